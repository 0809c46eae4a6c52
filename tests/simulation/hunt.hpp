#ifndef BGXFER_TESTS_SIMULATION_HUNT_HPP
#define BGXFER_TESTS_SIMULATION_HUNT_HPP

#include "crew.hpp"

namespace bgxfer::simulation {

/// Puts each deliberate bug (mutants.hpp) into the sources in turn, runs schedules until an invariant notices, and
/// prints after how many. True if all were found. Each in a process of its own: it may crash or hang.
[[nodiscard]] bool hunt_mutants(const Campaign& campaign);

/// From here on this process has the deliberate bug of that number; 0: none. A build without mutants ends here, for it
/// would find nothing.
void choose_mutant(int number);

}  // namespace bgxfer::simulation

#endif
