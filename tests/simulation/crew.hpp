#ifndef BGXFER_TESTS_SIMULATION_CREW_HPP
#define BGXFER_TESTS_SIMULATION_CREW_HPP

#include <cstdint>

#include "schedule.hpp"

namespace bgxfer::simulation {

/// Many schedules, on all cores.
struct Campaign {
  Plan plan{};  ///< The seed is the first one.
  std::uint64_t seeds = 10'000;
  double minutes = 0;  ///< 0: as long as it takes.
  unsigned jobs = 0;   ///< Processes; 0: one for each core.
  bool keep_going = false;
};

/// Runs them in processes that share the seeds, each as they come, and prints what was found. A schedule that crashes
/// or hangs takes its process along, not the campaign. True if no invariant was broken.
[[nodiscard]] bool run_campaign(const Campaign& campaign);

/// `jobs`, or what the machine has.
[[nodiscard]] unsigned jobs_or_cores(unsigned jobs);

/// Which schedule this process runs, for whoever reads why it died, and how long it may take.
void begin_schedule(std::uint64_t seed);

}  // namespace bgxfer::simulation

#endif
