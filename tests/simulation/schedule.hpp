#ifndef BGXFER_TESTS_SIMULATION_SCHEDULE_HPP
#define BGXFER_TESTS_SIMULATION_SCHEDULE_HPP

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <bgxfer/clock.hpp>

#include "invariants.hpp"

namespace bgxfer::simulation {

/// Safety: the faults never stop, and nothing is ever wrong. Liveness: they stop at a moment, and then every job comes
/// to its end in bounded time. By seed: one in four for safety.
enum class Mode : std::uint8_t { by_seed, safety, liveness };

/// Which schedule: a seed, and how much of what it would do. Whoever shrinks a schedule makes it less.
struct Plan {
  static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t seed = 1;
  Mode mode = Mode::by_seed;
  std::uint64_t mask = everything;     ///< Faults that may be there, by their place in `Fault`.
  std::uint64_t actions = everything;  ///< Of the host; behind the last one the schedule goes to its end.
  std::uint64_t faults = everything;   ///< Of servers and network; behind the last one they work.
};

/// What one schedule was like.
struct Outcome {
  std::string violation{};    ///< Empty: none. Begins with the letter of the invariant.
  std::uint64_t hash = 0;     ///< Of the trace.
  std::uint64_t swarm = 0;    ///< The faults that were switched on.
  std::uint64_t actions = 0;  ///< As in `Plan`, how many there were.
  std::uint64_t faults = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t crashes = 0;
  std::uint64_t recoveries = 0;  ///< Lives that found the journal of one before.
  std::uint64_t steps = 0;
  Clock::Duration simulated{0};
  Checks checks{};
};

[[nodiscard]] Outcome run_schedule(const Plan& plan, bool print);

/// A schedule whose decisions a fuzzer writes: 2 bytes seed, for when the rest is used up, 1 byte mode, then a byte for
/// each decision. Shorter than that: a schedule of zeros.
[[nodiscard]] Outcome run_script(std::span<const std::uint8_t> bytes, bool print);

}  // namespace bgxfer::simulation

#endif
