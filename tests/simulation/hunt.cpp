#include "hunt.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "base/mutant.hpp"
#include "mutants.hpp"

namespace bgxfer::simulation {

namespace {

/// One search in a process, and what it says.
struct Search {
  pid_t process = 0;
  int pipe = -1;
};

/// Runs schedules until one is found out, and writes a line about it.
[[noreturn]] void search(const Campaign& campaign, const Mutant& mutant, int pipe) {
  choose_mutant(mutant.number);
  std::array<char, 100> line{};
  int length = std::snprintf(line.data(), line.size(), "not in %llu", static_cast<unsigned long long>(campaign.seeds));
  bool found = false;
  Plan plan = campaign.plan;
  for (; plan.seed < campaign.plan.seed + campaign.seeds && !found; ++plan.seed) {
    begin_schedule(plan.seed);
    const Outcome outcome = run_schedule(plan, false);
    if (outcome.violation.empty()) continue;
    found = true;
    length =
        std::snprintf(line.data(), line.size(), "%10llu  %.60s",
                      static_cast<unsigned long long>(plan.seed - campaign.plan.seed + 1), outcome.violation.c_str());
  }
  if (write(pipe, line.data(), static_cast<std::size_t>(length)) < 0) std::_Exit(3);
  std::_Exit(found ? 0 : 1);
}

Search begin(const Campaign& campaign, const Mutant& mutant) {
  std::array<int, 2> ends{};
  std::fflush(stdout);
  if (pipe(ends.data()) != 0) std::_Exit(3);
  const pid_t child = fork();
  if (child < 0) std::_Exit(3);
  if (child == 0) search(campaign, mutant, ends[1]);
  close(ends[1]);
  return Search{child, ends[0]};
}

/// True if it found something. What kills the process was noticed too: an assertion, or a schedule without end.
bool end(const Search& search, const Mutant& mutant) {
  std::array<char, 101> line{};
  const bool told = read(search.pipe, line.data(), line.size() - 1) > 0;
  close(search.pipe);
  int status = 0;
  if (waitpid(search.process, &status, 0) != search.process) std::_Exit(3);
  const bool killed = WIFSIGNALED(status);
  const std::string words = told ? line.data() : "signal " + std::to_string(killed ? WTERMSIG(status) : 0);
  std::printf("%3d  %-62.*s %s\n", mutant.number, static_cast<int>(mutant.what.size()), mutant.what.data(),
              words.c_str());
  std::fflush(stdout);
  return killed || WEXITSTATUS(status) == 0;
}

}  // namespace

void choose_mutant([[maybe_unused]] int number) {
#ifdef BGXFER_MUTANTS
  mutants::chosen = number;
#else
  std::fputs("This build has no mutants: use the release preset (./dev sim).\n", stderr);
  std::_Exit(2);
#endif
}

bool hunt_mutants(const Campaign& campaign) {
  choose_mutant(0);
  std::printf("  #  %-62s %10s  found by\n", "deliberate bug", "schedules");
  std::size_t begun = 0;
  std::size_t found = 0;
  std::array<Search, mutants.size()> searches{};
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    for (; begun < mutants.size() && begun < i + jobs_or_cores(campaign.jobs); ++begun) {
      searches[begun] = begin(campaign, mutants[begun]);
    }
    if (end(searches[i], mutants[i])) ++found;
  }
  std::printf("%zu of %zu mutants found\n", found, mutants.size());
  return found == mutants.size();
}

}  // namespace bgxfer::simulation
