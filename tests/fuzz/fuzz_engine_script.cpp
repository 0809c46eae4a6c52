// The whole queue in virtual time, with every decision of the schedule, its server and its host taken by the input:
// what fails and when, what is answered, what the host does. Nothing that must never happen may happen.
//
// What it finds is played again, and told step by step, by `sim --script FILE --trace`.
#include <cstdio>

#include "simulation/schedule.hpp"

#include "expect.hpp"

using namespace bgxfer::simulation;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Outcome outcome = run_script(std::span(data, size), false);
  if (!outcome.violation.empty()) std::fprintf(stderr, "%s\n", outcome.violation.c_str());
  fuzz::expect(outcome.violation.empty());
  return 0;
}
