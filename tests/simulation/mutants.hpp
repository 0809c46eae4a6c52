#ifndef BGXFER_TESTS_SIMULATION_MUTANTS_HPP
#define BGXFER_TESTS_SIMULATION_MUTANTS_HPP

#include <array>
#include <string_view>

namespace bgxfer::simulation {

/// A deliberate bug: `BGXFER_MUTANT(number)` in the sources. 1 to 14 are those of the design's proof, in its order.
struct Mutant {
  int number;
  std::string_view what;
};

inline constexpr std::array<Mutant, 40> mutants{{
    {1, "records without a checksum"},
    {2, "appending behind a torn tail"},
    {3, "a new journal renamed without a sync of the folder"},
    {4, "resume without If-Range or a look at the validator"},
    {5, "a 206 taken for what was asked"},
    {6, "progress claimed as durable before the data is synced"},
    {7, "the end of the stream taken for the end of the file"},
    {8, "a restart that the journal does not hear of"},
    {9, "saved() that does not wait for the journal"},
    {10, "no sync of the folder after a temporary file is made"},
    {11, "a restart that keeps what had arrived"},
    {12, "no sync of the folder after the final rename"},
    {13, "a failed sync of the journal taken for a good one"},
    {14, "files renamed before the journal holds the decision"},
    {15, "background jobs beside foreground jobs"},
    {16, "transferred before the data is durable"},
    {17, "a redirect from https to http followed"},
    {18, "a relative Location taken for an absolute one"},
    {19, "bytes put where they were asked for, not where they are from"},
    {20, "an overlap that is not compared"},
    {21, "any 416 taken for the end"},
    {22, "coded bodies taken for the resource"},
    {23, "a 5xx taken for the resource"},
    {24, "broken chunks taken for the last one"},
    {25, "the host's size not enforced"},
    {26, "the host's SHA-256 not enforced"},
    {27, "nobody told that a job is transferred"},
    {28, "temporary files of a job that is over left behind"},
    {29, "a connection that stalls kept for ever"},
    {30, "whoever waits for a connection never woken"},
    {31, "a failed job never tried again"},
    {32, "the hashes of pieces not enforced"},
    {33, "bytes written over that another connection has hashed"},
    {34, "pieces done without a look where nobody waited for the last byte"},
    {35, "a mirror's version believed before its bytes are compared"},
    {36, "a mirror that differs believed more than the URL"},
    {37, "a range put where it was in a resource of another size"},
    {38, "a commit carried on with after a file of it was lost"},
    {39, "the end of the journal not written once more"},
    {40, "no word in the journal before a sync of data"},
}};

}  // namespace bgxfer::simulation

#endif
