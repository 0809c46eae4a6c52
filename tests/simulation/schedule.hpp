#ifndef BGXFER_TESTS_SIMULATION_SCHEDULE_HPP
#define BGXFER_TESTS_SIMULATION_SCHEDULE_HPP

#include <cstdint>
#include <string>

#include <bgxfer/clock.hpp>

namespace bgxfer::simulation {

/// Safety: the faults never stop, and nothing is ever wrong. Liveness: they stop at a moment, and then every job comes
/// to its end in bounded time. By seed: one in four for safety.
enum class Mode : std::uint8_t { by_seed, safety, liveness };

/// What one schedule was like.
struct Outcome {
  std::string violation{};  ///< Empty: none. Begins with the letter of the invariant (README.md).
  std::uint64_t hash = 0;   ///< Of the trace.
  std::uint64_t swarm = 0;  ///< The faults that were switched on.
  std::uint64_t power_cuts = 0;
  std::uint64_t crashes = 0;
  std::uint64_t steps = 0;
  Clock::Duration simulated{0};
};

/// Runs the schedule of `seed`, with the faults that are in `mask` too.
[[nodiscard]] Outcome run_schedule(std::uint64_t seed, std::uint64_t mask, Mode mode, bool print);

}  // namespace bgxfer::simulation

#endif
