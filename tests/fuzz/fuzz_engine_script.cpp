// The whole queue in virtual time, with every decision of the schedule, its server and its host taken by the input: what
// fails and when, what is answered, what the host does. Nothing that must never happen may happen.
//
// Input: 2 bytes seed, for when the rest is used up, 1 byte mode, then a byte for each decision.
#include <cstdio>

#include "simulation/random.hpp"
#include "simulation/schedule.hpp"

#include "expect.hpp"

using namespace bgxfer::simulation;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  Plan plan;
  plan.seed = data[0] + std::uint64_t{256} * data[1];
  plan.mode = data[2] % 2 == 0 ? Mode::safety : Mode::liveness;
  script = std::span(data, size).subspan(3);
  const Outcome outcome = run_schedule(plan, false);
  script = {};
  if (!outcome.violation.empty()) std::fprintf(stderr, "%s\n", outcome.violation.c_str());
  fuzz::expect(outcome.violation.empty());
  return 0;
}
