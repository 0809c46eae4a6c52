#include "shrink.hpp"

#include <array>
#include <cstdio>

#include "swarm.hpp"

namespace bgxfer::simulation {

namespace {

bool breaks_the_same(const Plan& plan, const Outcome& found) {
  return run_schedule(plan, false).violation.substr(0, 3) == found.violation.substr(0, 3);
}

/// Takes away ever smaller parts of a number, as long as what is left is enough.
void reduce(Plan& plan, std::uint64_t Plan::*number, std::uint64_t at_first, const Outcome& found) {
  std::uint64_t enough = at_first;
  for (std::uint64_t part = (enough + 1) / 2; part > 0;) {
    Plan less = plan;
    less.*number = enough >= part ? enough - part : 0;
    if (enough >= part && breaks_the_same(less, found)) {
      enough -= part;
    } else {
      part /= 2;
    }
  }
  if (enough == at_first) return;
  plan.*number = enough;
}

}  // namespace

Plan shrink(Plan plan, const Outcome& found) {
  plan.mask &= found.swarm;
  // A shorter schedule may need fewer kinds of faults.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < fault_count; ++i) {
      Plan less = plan;
      less.mask &= ~(std::uint64_t{1} << i);
      if (less.mask != plan.mask && breaks_the_same(less, found)) plan = less;
    }
    reduce(plan, &Plan::actions, run_schedule(plan, false).actions, found);
    reduce(plan, &Plan::faults, run_schedule(plan, false).faults, found);
  }
  return plan;
}

std::string names_of(std::uint64_t mask) {
  std::string names;
  for (std::size_t i = 0; i < fault_count; ++i) {
    if ((mask >> i & 1) == 0) continue;
    if (!names.empty()) names += ' ';
    names += fault_names[i];
  }
  return names.empty() ? "no fault" : names;
}

std::string words_of(const Plan& plan) {
  constexpr std::array<const char*, 3> modes{"", " --safety", " --liveness"};
  char mask[40];
  std::snprintf(mask, sizeof mask, " --mask 0x%llx", static_cast<unsigned long long>(plan.mask));
  std::string words = "--seed " + std::to_string(plan.seed) + mask + modes[static_cast<std::size_t>(plan.mode)];
  if (plan.actions != Plan::everything) words += " --actions " + std::to_string(plan.actions);
  if (plan.faults != Plan::everything) words += " --faults " + std::to_string(plan.faults);
  return words;
}

}  // namespace bgxfer::simulation
