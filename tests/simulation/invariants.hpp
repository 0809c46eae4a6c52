#ifndef BGXFER_TESTS_SIMULATION_INVARIANTS_HPP
#define BGXFER_TESTS_SIMULATION_INVARIANTS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bgxfer::simulation {

/// What must never be broken (README.md). A violation begins with the letter in parentheses.
enum class Invariant : std::uint8_t {
  bytes,        ///< (a)
  promises,     ///< (b)
  loss,         ///< (c)
  transitions,  ///< (d)
  names,        ///< (e)
  events,       ///< (f)
  liveness,     ///< (g)
  quiet,        ///< (h)
  fairness,     ///< (i)
  limits,       ///< (j)
  secrecy,      ///< (k)
  sums,         ///< (s)
  repetition,   ///< (t)
  commands,     ///< (x)
  count
};

inline constexpr std::size_t invariant_count = static_cast<std::size_t>(Invariant::count);

struct InvariantText {
  char letter;
  std::string_view what;
};

inline constexpr std::array<InvariantText, invariant_count> invariants{{
    {'a', "a file under its final name is one version of its resource, byte for byte"},
    {'b', "what saved() promised is there after any end"},
    {'c', "a crash, a power cut and a close cost no more than they may"},
    {'d', "states change only as the table says"},
    {'e', "no name is made but targets, temporary files and the journal's"},
    {'f', "events come without gaps, and none after the last"},
    {'g', "once the faults stop, every job comes to its end"},
    {'h', "after the end of a queue nothing is left behind"},
    {'i', "no background job reads beside a foreground job"},
    {'j', "no host has more connections than its limit"},
    {'k', "what is wanted by https is never asked for without TLS"},
    {'s', "the totals of a job are the sum of its files"},
    {'t', "the same seed gives the same trace"},
    {'x', "what a host may do is not refused"},
}};

/// How often each was looked at.
using Checks = std::array<std::uint64_t, invariant_count>;

}  // namespace bgxfer::simulation

#endif
