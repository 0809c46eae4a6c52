#ifndef BGXFER_SRC_ENGINE_SCHEDULE_HPP
#define BGXFER_SRC_ENGINE_SCHEDULE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/options.hpp>

namespace bgxfer::inline v0::detail {

/// What the scheduler must know of a job that runs or is queued.
struct Candidate {
  Priority priority = Priority::normal;
  bool running = false;
  std::uint64_t place = 0;         ///< Place in the line of its equals: the smallest has waited longest.
  Clock::TimePoint slice_began{};  ///< For a running job: since when it has had its turn.
};

/// What to do now. Jobs are named by their position in the table.
struct Schedule {
  std::vector<std::size_t> start;
  std::vector<std::size_t> stop;               ///< Must yield: goes to the end of the line.
  std::optional<Clock::TimePoint> look_again;  ///< When a slice ends that somebody waits for.
};

/// Which jobs should run now (spec part 2.2).
///
/// Foreground jobs run together, up to `foreground_jobs_max`. Of the others the most urgent run, up to
/// `background_jobs_max`; none while a foreground job wants to run, unless `background_beside_foreground`. Among equals
/// the one that has waited longest goes first, and one that runs keeps its turn until its slice ends and somebody
/// waits.
[[nodiscard]] Schedule choose(std::span<const Candidate> jobs, const Limits& limits, Clock::TimePoint now);

}  // namespace bgxfer::inline v0::detail

#endif
