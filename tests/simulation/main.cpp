#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mutant.hpp"
#include "mutants.hpp"
#include "schedule.hpp"
#include "swarm.hpp"

namespace {

using namespace bgxfer::simulation;
using Wall = std::chrono::steady_clock;

constexpr std::uint64_t every_fault = ~std::uint64_t{0};

struct Arguments {
  std::uint64_t seeds = 10'000;
  std::uint64_t from = 1;
  std::uint64_t seed = 0;  // one only
  std::uint64_t mask = every_fault;
  double minutes = 0;
  Mode mode = Mode::by_seed;
  bool mutants = false;
  bool trace = false;
  bool keep_going = false;
};

volatile std::uint64_t running_seed = 0;

/// A failed assertion says in which schedule.
void on_abort(int signal) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "signal %d in seed %llu\n", signal,
                                   static_cast<unsigned long long>(running_seed));
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) std::_Exit(3);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void choose_mutant([[maybe_unused]] int number) {
#ifdef BGXFER_MUTANTS
  bgxfer::mutants::chosen = number;
#endif
}

bool parse(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto number = [&] { return i + 1 < count ? std::strtoull(words[++i], nullptr, 0) : 0; };
    if (word == "--seeds")
      arguments.seeds = number();
    else if (word == "--from")
      arguments.from = number();
    else if (word == "--seed")
      arguments.seed = number();
    else if (word == "--mask")
      arguments.mask = number();
    else if (word == "--minutes")
      arguments.minutes = i + 1 < count ? std::strtod(words[++i], nullptr) : 0;
    else if (word == "--safety")
      arguments.mode = Mode::safety;
    else if (word == "--liveness")
      arguments.mode = Mode::liveness;
    else if (word == "--mutants")
      arguments.mutants = true;
    else if (word == "--mutant")
      choose_mutant(static_cast<int>(number()));
    else if (word == "--trace")
      arguments.trace = true;
    else if (word == "--keep-going")
      arguments.keep_going = true;
    else
      return false;
  }
  return true;
}

/// Switches faults off, one by one, as long as the invariant stays broken.
std::uint64_t shrink(std::uint64_t seed, Mode mode, const Outcome& found) {
  std::uint64_t mask = found.swarm;
  const std::string invariant = found.violation.substr(0, 3);
  for (std::size_t i = 0; i < fault_count; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((mask & bit) == 0) continue;
    const Outcome less = run_schedule(seed, mask & ~bit, mode, false);
    if (less.violation.substr(0, 3) == invariant) mask &= ~bit;
  }
  return mask;
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

/// The violation without what differs from seed to seed.
std::string kind_of(const Outcome& outcome) {
  std::string kind;
  for (char letter : outcome.violation.substr(0, 70)) {
    if (letter < '0' || letter > '9') kind += letter;
  }
  return kind;
}

void report(std::uint64_t seed, Mode mode, const Outcome& outcome) {
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), outcome.violation.c_str());
  const std::uint64_t mask = shrink(seed, mode, outcome);
  const std::array<const char*, 3> modes{"", " --safety", " --liveness"};
  std::printf("  needs: %s\n  ./dev sim --seed %llu --mask 0x%llx%s --trace\n", names_of(mask).c_str(),
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(mask),
              modes[static_cast<std::size_t>(mode)]);
  std::fflush(stdout);
}

int run_one(const Arguments& arguments) {
  running_seed = arguments.seed;
  const Outcome outcome = run_schedule(arguments.seed, arguments.mask, arguments.mode, arguments.trace);
  std::printf("seed %llu: %s, hash %016llx, faults: %s\n", static_cast<unsigned long long>(arguments.seed),
              outcome.violation.empty() ? "no violation" : outcome.violation.c_str(),
              static_cast<unsigned long long>(outcome.hash), names_of(outcome.swarm).c_str());
  return outcome.violation.empty() ? 0 : 1;
}

int run_many(const Arguments& arguments) {
  const Wall::time_point began = Wall::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Wall::now() - began).count(); };
  std::uint64_t schedules = 0;
  std::uint64_t cuts = 0;
  std::uint64_t crashes = 0;
  std::uint64_t steps = 0;
  std::uint64_t violations = 0;
  bgxfer::Clock::Duration simulated{0};
  std::map<std::string, std::uint64_t> kinds;
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    if (arguments.minutes > 0 && elapsed() > arguments.minutes * 60) break;
    running_seed = seed;
    Outcome outcome = run_schedule(seed, arguments.mask, arguments.mode, false);
    if (outcome.violation.empty() && seed % 100 == 0) {
      const Outcome again = run_schedule(seed, arguments.mask, arguments.mode, false);
      if (again.hash != outcome.hash) outcome.violation = "(t) the same seed gave another trace";
    }
    ++schedules;
    cuts += outcome.power_cuts;
    crashes += outcome.crashes;
    steps += outcome.steps;
    simulated += outcome.simulated;
    if (outcome.violation.empty()) continue;
    ++violations;
    if (kinds[kind_of(outcome)]++ < 2) report(seed, arguments.mode, outcome);
    if (!arguments.keep_going && violations >= 20) break;
  }
  const double seconds = elapsed();
  std::printf("%llu schedules, %llu power cuts, %llu crashes, %.0f simulated hours, %.0f steps a schedule\n",
              static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(cuts),
              static_cast<unsigned long long>(crashes), std::chrono::duration<double>(simulated).count() / 3600,
              static_cast<double>(steps) / static_cast<double>(schedules > 0 ? schedules : 1));
  std::printf("%.1f s, %.0f schedules a minute, %llu violations\n", seconds,
              static_cast<double>(schedules) * 60 / seconds, static_cast<unsigned long long>(violations));
  for (const auto& [kind, count] : kinds) {
    std::printf("  %6llu x %s\n", static_cast<unsigned long long>(count), kind.c_str());
  }
  return violations == 0 ? 0 : 1;
}

/// Runs schedules with a deliberate bug until one is found out. In a process of its own: it may crash or hang.
int hunt(const Arguments& arguments, const Mutant& mutant) {
  choose_mutant(mutant.number);
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    running_seed = seed;
    alarm(120);
    const Outcome outcome = run_schedule(seed, arguments.mask, arguments.mode, false);
    if (outcome.violation.empty()) continue;
    std::printf("%3d  %-62.*s %8llu  %.60s\n", mutant.number, static_cast<int>(mutant.what.size()), mutant.what.data(),
                static_cast<unsigned long long>(seed - arguments.from + 1), outcome.violation.c_str());
    std::fflush(stdout);
    return 0;
  }
  std::printf("%3d  %-62.*s not found in %llu\n", mutant.number, static_cast<int>(mutant.what.size()),
              mutant.what.data(), static_cast<unsigned long long>(arguments.seeds));
  std::fflush(stdout);
  return 1;
}

int run_mutants(const Arguments& arguments) {
#ifndef BGXFER_MUTANTS
  std::fputs("This build has no mutants: use the release preset (./dev sim --mutants).\n", stderr);
  return 2;
#endif
  int missed = 0;
  std::printf("  #  deliberate bug                                                 schedules  found by\n");
  std::fflush(stdout);
  for (const Mutant& mutant : mutants) {
    const pid_t child = fork();
    if (child == 0) std::_Exit(hunt(arguments, mutant));
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return 3;
    if (WIFSIGNALED(status)) {
      std::printf("%3d  %-62.*s          signal %d\n", mutant.number, static_cast<int>(mutant.what.size()),
                  mutant.what.data(), WTERMSIG(status));
      std::fflush(stdout);
    } else if (WEXITSTATUS(status) != 0) {
      ++missed;
    }
  }
  std::printf("%zu mutants, %d not found\n", mutants.size(), missed);
  return missed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (!parse(count, words, arguments)) {
    std::fputs(
        "sim [--safety | --liveness] [--seeds N] [--from S] [--minutes M] [--keep-going]\n"
        "    | --seed S [--mask BITS] [--trace] | --mutants [--seeds N] [--from S]; --mutant N goes with all\n",
        stderr);
    return 2;
  }
  // A world dies after each schedule: what it gave back is kept for the next one.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, on_abort);
  if (arguments.mutants) return run_mutants(arguments);
  return arguments.seed != 0 ? run_one(arguments) : run_many(arguments);
}
