// Memory runs out at every allocation of every scenario. Whatever that does to the life it happens in (an exception
// that leaves the event loop, std::terminate, a job that fails or stands still), it is no more than a crash: no file is
// wrong, and the next life brings every job to its end. No signal is lawful, nor any end of the life after.
//
// Every allocation is some 27 000 worlds, which take more than a minute; so a run takes every third, and every
// seventeenth where sanitizers are at work (tests/CMakeLists.txt). BGXFER_MEMORY_SWEEP=EVERY[:SKIP] takes each
// EVERY-th, and others for another SKIP: 1 takes all.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include "engine/event_hub.hpp"
#include "exhaustive/small_worlds.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Scenario;
using test::SmallWorld;

namespace {

/// Which allocation fails.
struct Shortage {
  bool armed = false;
  bool for_ever = false;      ///< And all after it.
  std::uint64_t failing = 0;  ///< Counted from 1.
  std::uint64_t count = 0;

  bool fails() {
    if (!armed) return false;
    return ++count == failing || (for_ever && count > failing);
  }
  [[nodiscard]] bool has_failed() const { return count >= failing; }
};
Shortage shortage;

void* allocate(std::size_t bytes) {
  if (shortage.fails()) throw std::bad_alloc();
  if (void* block = std::malloc(bytes > 0 ? bytes : 1)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

/// Asio takes the frames of coroutines and its handlers from here.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  void* block = nullptr;
  if (shortage.fails() || posix_memalign(&block, alignment, bytes) != 0) return nullptr;
  return block;
}

namespace {

/// What the process that plays tells the one that waits for it.
struct Report {
  std::uint64_t next = 1;        ///< The allocation to fail next.
  bool ended = false;            ///< The scenario makes fewer.
  std::uint64_t worlds = 0;      ///< In which one failed.
  std::uint64_t terminated = 0;  ///< Of these, by an exception that nobody may catch.
  char wrong[512] = {};          ///< What the life after found; empty: nothing.
};
Report* report = nullptr;
SmallWorld* playing = nullptr;

/// Which allocations have their turn.
struct Sampling {
  std::uint64_t every = 3;
  std::uint64_t skip = 0;

  static Sampling of_environment() {
    const char* text = std::getenv("BGXFER_MEMORY_SWEEP");
    if (!text) return {};
    char* rest = nullptr;
    Sampling sampling;
    sampling.every = std::max<std::uint64_t>(1, std::strtoull(text, &rest, 10));
    if (*rest == ':') sampling.skip = std::strtoull(rest + 1, nullptr, 10);
    return sampling;
  }
};

/// The life after, on the same disk and with the same server. Nothing of the life before is touched, not even to end
/// it.
std::string wrong_after(SmallWorld& before) {
  SmallWorld after;
  before.disk->process_crash();
  after.disk = before.disk;
  after.options.storage = before.disk;
  after.transport->resources = before.transport->resources;
  after.versions = before.versions;
  after.promised = before.promised;
  after.ended = before.ended;
  after.hopeless = before.hopeless;
  after.may_leave_files = true;
  std::string wrong = after.wrong_files();
  return wrong.empty() ? after.recover() : wrong;
}

/// What a life asks a server for in its patience. One that asks for ever has jobs that fail without saying so.
constexpr std::size_t requests_max = 100;

void judge() {
  shortage.armed = false;
  report->ended = !shortage.has_failed();
  report->worlds += shortage.has_failed();
  SmallWorld& life = *std::exchange(playing, nullptr);
  std::string wrong = wrong_after(life);
  const std::size_t requests = life.transport->asked.size();
  if (wrong.empty() && requests > requests_max) wrong = "asked " + std::to_string(requests) + " times";
  wrong.copy(report->wrong, sizeof report->wrong - 1);
}

/// An exception that nobody may catch ends a process: Asio throws some where an asynchronous operation or the next step
/// of a strand cannot start (docs/toolchain.md, F11). Never a life that has all the memory it wants.
[[noreturn]] void on_terminate() {
  if (!playing || !shortage.has_failed()) std::abort();
  ++report->terminated;
  judge();
  _exit(0);
}

void play(const Scenario& scenario, bool for_ever, std::uint64_t every) {
  playing = new SmallWorld;  // Never deleted: it may be in no state for that.
  playing->patience = 300s;
  playing->start();
  shortage = Shortage{true, for_ever, report->next};
  report->next += every;
  try {
    scenario.play(*playing);
  } catch (const std::exception&) {
    // Out of the event loop, or of a call: this host gives up.
  }
  judge();
}

/// Plays from where the last process stopped until one thing is wrong, the process ends, or it has leaked enough.
void play_some(const Scenario& scenario, bool for_ever, std::uint64_t every) {
  constexpr int worlds_max = 100;
  constexpr unsigned seconds_max = 120;  // Nothing waits for ever.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::set_terminate(on_terminate);
    alarm(seconds_max);
    for (int i = 0; i < worlds_max && !report->ended && report->wrong[0] == 0; ++i) play(scenario, for_ever, every);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);  // Else a signal, or an exception in the life after, which abort() tells.
}

}  // namespace

TEST_CASE("every allocation fails once, and from there on, and nothing is lost or wrong in the life after") {
  const Sampling sampling = Sampling::of_environment();
  void* shared = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  std::uint64_t sweeps = 0;
  std::uint64_t worlds = 0;
  std::uint64_t terminated = 0;
  for (const Scenario& scenario : test::scenarios()) {
    for (const bool for_ever : {false, true}) {
      report = new (shared) Report();
      report->next += (sampling.skip + sweeps++) % sampling.every;
      while (!report->ended) {
        CAPTURE(scenario.name);
        CAPTURE(report->next - sampling.every);
        CAPTURE(for_ever);
        play_some(scenario, for_ever, sampling.every);
        const std::string wrong = report->wrong;
        REQUIRE(wrong == "");
      }
      worlds += report->worlds;
      terminated += report->terminated;
    }
  }
  munmap(shared, sizeof(Report));
  CHECK(worlds > test::scenarios().size());
  MESSAGE(worlds << " worlds without memory (every allocation out of " << sampling.every << "), " << terminated
                 << " of them ended by std::terminate, none by a signal");
}

TEST_CASE("whoever listens hears what comes after memory was short") {
  for (std::uint64_t failing = 1;; ++failing) {
    CAPTURE(failing);
    asio::io_context context;
    const auto hub = std::make_shared<detail::EventHub>(context.get_executor(), Dispatcher());
    std::vector<JobId> heard;
    heard.reserve(2);
    const auto ears = hub->subscribe(std::nullopt, [&heard](const Event& event) { heard.push_back(job_of(event)); });
    hub->on_delivered([keeps = std::string(100, ' ')](JobId, std::uint64_t, bool) {});
    const JobId before = JobId::from_random(0, 1);
    const JobId after = JobId::from_random(0, 2);
    bool posted = false;
    shortage = Shortage{true, false, failing};
    try {
      hub->post(JobAdded{before});
      posted = true;
      context.run();
    } catch (const std::bad_alloc&) {
      // The host's, who goes on.
    }
    shortage.armed = false;
    const bool failed = shortage.has_failed();
    hub->post(JobAdded{after});
    context.restart();
    context.run();
    REQUIRE(!heard.empty());
    CHECK(heard.back() == after);
    if (posted) CHECK(heard.front() == before);
    if (!failed) break;
  }
}
