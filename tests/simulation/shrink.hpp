#ifndef BGXFER_TESTS_SIMULATION_SHRINK_HPP
#define BGXFER_TESTS_SIMULATION_SHRINK_HPP

#include <string>

#include "schedule.hpp"

namespace bgxfer::simulation {

/// Less of a schedule that breaks the same invariant: kinds of faults that it needs, then how many actions of the host
/// and how many faults.
[[nodiscard]] Plan shrink(Plan plan, const Outcome& found);

/// The faults of a mask, by name.
[[nodiscard]] std::string names_of(std::uint64_t mask);

/// The words behind `./dev sim` that run this schedule again.
[[nodiscard]] std::string words_of(const Plan& plan);

}  // namespace bgxfer::simulation

#endif
