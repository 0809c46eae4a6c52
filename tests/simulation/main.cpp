#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "crew.hpp"
#include "hunt.hpp"
#include "schedule.hpp"
#include "shrink.hpp"

namespace {

using namespace bgxfer::simulation;

struct Arguments {
  Campaign campaign{};
  bool one = false;      // schedule only
  std::string script{};  // In this file.
  bool mutants = false;
  bool trace = false;
};

bool parse(int count, char** words, Arguments& arguments) {
  Campaign& campaign = arguments.campaign;
  Plan& plan = campaign.plan;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto text = [&] { return i + 1 < count ? words[++i] : "0"; };
    const auto number = [&] { return std::strtoull(text(), nullptr, 0); };
    if (word == "--seeds")
      campaign.seeds = number();
    else if (word == "--from")
      plan.seed = number();
    else if (word == "--seed")
      arguments.one = true, plan.seed = number();
    else if (word == "--script")
      arguments.script = text();
    else if (word == "--mask")
      plan.mask = number();
    else if (word == "--actions")
      plan.actions = number();
    else if (word == "--faults")
      plan.faults = number();
    else if (word == "--minutes")
      campaign.minutes = std::strtod(text(), nullptr), campaign.seeds = Plan::everything / 2;
    else if (word == "--jobs")
      campaign.jobs = static_cast<unsigned>(number());
    else if (word == "--safety")
      plan.mode = Mode::safety;
    else if (word == "--liveness")
      plan.mode = Mode::liveness;
    else if (word == "--mutants")
      arguments.mutants = true;
    else if (word == "--mutant")
      choose_mutant(static_cast<int>(number()));
    else if (word == "--trace")
      arguments.trace = true;
    else if (word == "--keep-going")
      campaign.keep_going = true;
    else
      return false;
  }
  return true;
}

bool tell(const std::string& name, const Outcome& outcome) {
  std::printf("%s: %s, hash %016llx, %llu actions, %llu faults of: %s\n", name.c_str(),
              outcome.violation.empty() ? "no violation" : outcome.violation.c_str(),
              static_cast<unsigned long long>(outcome.hash), static_cast<unsigned long long>(outcome.actions),
              static_cast<unsigned long long>(outcome.faults), names_of(outcome.swarm).c_str());
  return outcome.violation.empty();
}

bool run_one(const Plan& plan, bool trace) {
  begin_schedule(plan.seed);
  return tell("seed " + std::to_string(plan.seed), run_schedule(plan, trace));
}

bool run_file(const std::string& path, bool trace) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  return tell(path, run_script(bytes, trace));
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
#ifdef BGXFER_MUTANTS
  // So that any command that runs schedules, .ci/run too, can be made to run them with a deliberate bug.
  if (const char* mutant = std::getenv("BGXFER_MUTANT")) choose_mutant(std::atoi(mutant));
#endif
  if (!parse(count, words, arguments)) {
    std::fputs(
        "sim [--safety | --liveness] [--seeds N] [--from S] [--minutes M] [--jobs N] [--keep-going]\n"
        "    | --seed S [--mask BITS] [--actions N] [--faults N] [--trace]\n"
        "    | --script FILE [--trace]    what the fuzzer engine_script found\n"
        "    | --mutants [--seeds N] [--from S] [--jobs N]\n"
        "    --mutant N goes with all, and so does BGXFER_MUTANT=N in the environment\n",
        stderr);
    return 2;
  }
  // A world dies after each schedule: what it gave back is kept for the next one.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const Campaign& campaign = arguments.campaign;
  if (!arguments.script.empty()) return run_file(arguments.script, arguments.trace) ? 0 : 1;
  if (arguments.mutants) return hunt_mutants(campaign) ? 0 : 1;
  return (arguments.one ? run_one(campaign.plan, arguments.trace) : run_campaign(campaign)) ? 0 : 1;
}
