#include "crew.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shrink.hpp"

namespace bgxfer::simulation {

namespace {

using Wall = std::chrono::steady_clock;
using Count = std::atomic<std::uint64_t>;

constexpr std::uint64_t seeds_at_once = 16;
constexpr std::uint64_t violations_max = 20;
constexpr unsigned seconds_per_schedule_max = 120;
constexpr std::uint64_t one_in_runs_twice = 100;

static_assert(Count::is_always_lock_free, "processes share them");

/// A violation without what differs from seed to seed.
struct Kind {
  std::array<char, 72> text{};
  Count count{0};
};

/// What one process has done. In memory that it shares with its parent.
struct Tally {
  Count seed{0};  ///< The one that runs.
  Count end{0};   ///< Of the seeds that it took.
  Count schedules{0};
  Count power_cuts{0};
  Count crashes{0};
  Count recoveries{0};
  Count steps{0};
  Count milliseconds{0};  ///< Simulated.
  Count violations{0};
  std::array<Count, invariant_count> checks{};
  std::array<Kind, 32> kinds{};
};

/// What all of them share.
struct Shared {
  Count next{0};  ///< The first seed that nobody has taken.
  Count violations{0};
};

volatile std::uint64_t running_seed = 0;

/// A failed assertion says in which schedule.
void on_signal(int signal) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "signal %d in seed %llu\n", signal,
                                   static_cast<unsigned long long>(running_seed));
  if (write(STDERR_FILENO, text.data(), static_cast<std::size_t>(length)) < 0) std::_Exit(3);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

template <class Value>
Value* share(std::size_t count) {
  void* memory = mmap(nullptr, sizeof(Value) * count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::_Exit(3);
  }
  auto* values = static_cast<Value*>(memory);
  for (std::size_t i = 0; i < count; ++i) new (values + i) Value();
  return values;
}

unsigned long long number(const Count& count) { return count.load(); }

class Worker {
 public:
  Worker(const Campaign& campaign, Shared& shared, Tally& tally, Wall::time_point began)
      : campaign_(campaign), shared_(shared), tally_(tally), began_(began) {}

  void run() {
    const std::uint64_t last = campaign_.plan.seed + campaign_.seeds;
    for (;;) {
      if (tally_.seed == tally_.end) {
        const std::uint64_t first = shared_.next.fetch_add(seeds_at_once);
        if (first >= last) return;
        tally_.end = std::min(first + seeds_at_once, last);
        tally_.seed = first;
      }
      if (!campaign_.keep_going && shared_.violations >= violations_max) return;
      if (campaign_.minutes > 0 && Wall::now() - began_ > std::chrono::duration<double>(campaign_.minutes * 60)) return;
      run_seed();
      ++tally_.seed;
    }
  }

 private:
  void run_seed() {
    Plan plan = campaign_.plan;
    plan.seed = tally_.seed;
    begin_schedule(plan.seed);
    Outcome outcome = run_schedule(plan, false);
    if (outcome.violation.empty() && plan.seed % one_in_runs_twice == 0) {
      ++outcome.checks[static_cast<std::size_t>(Invariant::repetition)];
      const Outcome again = run_schedule(plan, false);
      if (again.hash != outcome.hash) outcome.violation = "(t) the same seed gave another trace";
    }
    ++tally_.schedules;
    tally_.power_cuts += outcome.power_cuts;
    tally_.crashes += outcome.crashes;
    tally_.recoveries += outcome.recoveries;
    tally_.steps += outcome.steps;
    tally_.milliseconds +=
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(outcome.simulated).count());
    for (std::size_t i = 0; i < invariant_count; ++i) tally_.checks[i] += outcome.checks[i];
    if (!outcome.violation.empty()) note(plan, outcome);
  }

  void note(const Plan& plan, const Outcome& outcome) {
    ++tally_.violations;
    ++shared_.violations;
    std::string kind;
    for (const char letter : outcome.violation.substr(0, 70)) {
      if (letter < '0' || letter > '9') kind += letter;
    }
    for (Kind& known : tally_.kinds) {
      if (known.count != 0 && kind != known.text.data()) continue;
      std::memcpy(known.text.data(), kind.c_str(), kind.size() + 1);
      if (known.count++ < 2) report(plan, outcome);
      return;
    }
  }

  static void report(const Plan& plan, const Outcome& outcome) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(plan.seed), outcome.violation.c_str());
    const Plan less = shrink(plan, outcome);
    std::printf("  seed %llu needs: %s\n  ./dev sim %s --trace\n", static_cast<unsigned long long>(plan.seed),
                names_of(less.mask).c_str(), words_of(less).c_str());
    std::fflush(stdout);
  }

  const Campaign& campaign_;
  Shared& shared_;
  Tally& tally_;
  const Wall::time_point began_;
};

class Crew {
 public:
  explicit Crew(const Campaign& campaign)
      : campaign_(campaign),
        count_(jobs_or_cores(campaign.jobs)),
        shared_(share<Shared>(1)),
        tallies_(share<Tally>(count_)),
        children_(count_, 0) {
    shared_->next = campaign.plan.seed;
  }

  bool run() {
    for (std::size_t i = 0; i < count_; ++i) begin(i);
    std::size_t alive = count_;
    const bool shows = isatty(STDERR_FILENO) != 0;
    while (alive > 0) {
      int status = 0;
      const pid_t child = waitpid(-1, &status, shows ? WNOHANG : 0);
      if (child < 0) break;
      if (child == 0) {
        show();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        continue;
      }
      const auto found = std::find(children_.begin(), children_.end(), child);
      if (found == children_.end()) continue;
      const auto index = static_cast<std::size_t>(found - children_.begin());
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        --alive;
        continue;
      }
      lose(index, status);
      begin(index);
    }
    if (shows) std::fputs("\r\033[K", stderr);
    return summary();
  }

 private:
  void begin(std::size_t index) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      Worker(campaign_, *shared_, tallies_[index], began_).run();
      std::exit(0);  // With all that comes at an exit: what counts coverage writes it then.
    }
    if (child < 0) {
      std::perror("fork");
      std::_Exit(3);
    }
    children_[index] = child;
  }

  /// A schedule that crashes breaks an invariant that has no name. Whoever comes next goes on behind it.
  void lose(std::size_t index, int status) {
    Tally& tally = tallies_[index];
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    Plan plan = campaign_.plan;
    plan.seed = tally.seed;
    std::printf("seed %llu: %s (signal %d)\n  ./dev sim %s --trace\n", number(tally.seed),
                signal == SIGALRM ? "does not end" : "the process died", signal, words_of(plan).c_str());
    ++tally.schedules;
    ++tally.violations;
    ++shared_->violations;
    if (tally.seed < tally.end) ++tally.seed;
  }

  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Wall::now() - began_).count(); }

  template <class Member>
  [[nodiscard]] unsigned long long sum(Member member) const {
    unsigned long long all = 0;
    for (std::size_t i = 0; i < count_; ++i) all += number(member(tallies_[i]));
    return all;
  }

  void show() const {
    const unsigned long long schedules = sum([](const Tally& tally) -> const Count& { return tally.schedules; });
    std::fprintf(stderr, "\r\033[K%llu of %llu schedules, %.0f a minute, %llu violations", schedules,
                 static_cast<unsigned long long>(campaign_.seeds), static_cast<double>(schedules) * 60 / seconds(),
                 number(shared_->violations));
  }

  [[nodiscard]] bool summary() const {
    const double wall = seconds();
    rusage used{};
    getrusage(RUSAGE_CHILDREN, &used);
    const double processor = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                             static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    const unsigned long long schedules = sum([](const Tally& tally) -> const Count& { return tally.schedules; });
    const unsigned long long steps = sum([](const Tally& tally) -> const Count& { return tally.steps; });
    const double runs = static_cast<double>(schedules);

    std::printf("%-14s %s\n", "checks", "invariant");
    for (std::size_t i = 0; i < invariant_count; ++i) {
      const unsigned long long checks = sum([i](const Tally& tally) -> const Count& { return tally.checks[i]; });
      std::printf("%-14llu (%c) %s\n", checks, invariants[i].letter, invariants[i].what.data());
    }
    std::printf(
        "%llu schedules, %llu power cuts, %llu crashes, %llu recoveries, %.0f simulated hours, %.0f steps a schedule\n",
        schedules, sum([](const Tally& tally) -> const Count& { return tally.power_cuts; }),
        sum([](const Tally& tally) -> const Count& { return tally.crashes; }),
        sum([](const Tally& tally) -> const Count& { return tally.recoveries; }),
        static_cast<double>(sum([](const Tally& tally) -> const Count& { return tally.milliseconds; })) / 3.6e6,
        schedules > 0 ? static_cast<double>(steps) / runs : 0.0);
    std::printf("%.1f s in %zu processes, %.1f s of processor time: %.0f schedules a minute, %.0f a minute and core\n",
                wall, count_, processor, runs * 60 / wall, runs * 60 / processor);
    std::printf("%llu violations\n", number(shared_->violations));
    std::map<std::string, std::uint64_t> kinds;
    for (std::size_t i = 0; i < count_; ++i) {
      for (const Kind& kind : tallies_[i].kinds) {
        if (kind.count != 0) kinds[kind.text.data()] += kind.count;
      }
    }
    for (const auto& [kind, count] : kinds) {
      std::printf("  %6llu x %s\n", static_cast<unsigned long long>(count), kind.c_str());
    }
    return shared_->violations == 0;
  }

  const Campaign& campaign_;
  const std::size_t count_;
  Shared* const shared_;
  Tally* const tallies_;
  std::vector<pid_t> children_;
  const Wall::time_point began_ = Wall::now();
};

}  // namespace

bool run_campaign(const Campaign& campaign) { return Crew(campaign).run(); }

unsigned jobs_or_cores(unsigned jobs) { return jobs > 0 ? jobs : std::max(1u, std::thread::hardware_concurrency()); }

void begin_schedule(std::uint64_t seed) {
  if (running_seed == 0) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM}) std::signal(signal, on_signal);
  }
  running_seed = seed;
  alarm(seconds_per_schedule_max);
}

}  // namespace bgxfer::simulation
