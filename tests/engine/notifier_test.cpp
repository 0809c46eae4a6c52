// Spec part 6: notifications, in virtual time.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/difficult_host.hpp"
#include "support/random_changes.hpp"
#include "support/sanitized.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;
using enum JobState;

namespace {

/// What a handler was told, as "file 3", "transferred", "failed", "modified".
std::string word_of(const Event& event) {
  if (const auto* file = std::get_if<FileTransferred>(&event)) {
    return "file " + std::to_string(static_cast<std::uint32_t>(file->file));
  }
  if (std::holds_alternative<JobTransferred>(event)) return "transferred";
  if (std::holds_alternative<JobFailed>(event)) return "failed";
  if (std::holds_alternative<JobModified>(event)) return "modified";
  if (const auto* fresh = std::get_if<FileRangesTransferred>(&event)) {
    return "ranges of " + std::to_string(static_cast<std::uint32_t>(fresh->file));
  }
  return "other";
}

using Words = std::vector<std::string>;

/// A handler that writes down what it is told.
NotifyHandler taking(Words& words) {
  return [&words](const Job&, const Event& event) {
    words.push_back(word_of(event));
    return NotifyResult::handled;
  };
}

Job add_files(World& world, int files, Notify events, std::size_t bytes = 1000) {
  JobOptions options;
  for (int i = 0; i < files; ++i) options.files.push_back(world.file("f" + std::to_string(i), bytes));
  options.notify.events = events;
  options.retry_delay_min = options.retry_delay_max = 5s;
  return world.queue->add(options).value();
}

/// As long as it refuses, no file gets its name.
struct RefusingGuard final : CommitGuard {
  bool refuses = true;
  asio::awaitable<Result<void>> check(CommitQuestion) override {
    if (!refuses) co_return Result<void>{};
    co_return Error(std::make_error_code(std::errc::operation_not_permitted), ErrorContext::local_file, "refused");
  }
};

constexpr Notify all_owed = Notify::transferred | Notify::error | Notify::file_transferred;

}  // namespace

TEST_CASE("6.2: files are told before their job, in order, one at a time") {
  World world;
  world.start();
  Job job = add_files(world, 4, all_owed);
  Words words;
  bool inside = false;
  REQUIRE(job.set_notify_handler([&](const Job& told, const Event& event) {
    CHECK_FALSE(std::exchange(inside, true));
    CHECK(told == job);
    words.push_back(word_of(event));
    inside = false;
    return NotifyResult::handled;
  }));
  job.resume();
  world.run();
  CHECK(words == Words{"file 0", "file 1", "file 2", "file 3", "transferred"});
}

TEST_CASE("3.3: by default a handler hears of the job's end only") {
  World world;
  world.start();
  Job good = add_files(world, 2, JobOptions().notify.events);
  Words words;
  good.set_notify_handler(taking(words));
  good.resume();
  world.run();
  CHECK(words == Words{"transferred"});
}

TEST_CASE("6.1: an error is told, and a transient one is not") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed);
  Words words;
  job.set_notify_handler(taking(words));
  Incident refused;
  refused.refuse = Error(std::make_error_code(std::errc::connection_refused), ErrorContext::transport);
  Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file);
  world.transport->incidents = {refused, gone};
  job.resume();
  world.run();
  CHECK(job.state() == error);
  CHECK(words == Words{"failed"});
}

TEST_CASE(
    "6.1: what a handler does not handle is told again after the retry delay, and holds back what comes after it") {
  World world;
  world.start();
  Job job = add_files(world, 2, all_owed);
  Words words;
  int refusals = 3;
  job.set_notify_handler([&](const Job&, const Event& event) {
    words.push_back(word_of(event));
    if (refusals == 0) return NotifyResult::handled;
    if (--refusals == 1) throw std::runtime_error("the handler is not well");
    return NotifyResult::retry;
  });
  const Clock::TimePoint begin = world.simulation.clock()->now();
  job.resume();
  world.run_for(1s);
  CHECK(words == Words{"file 0"});
  world.run_for(5s);
  CHECK(words == Words{"file 0", "file 0"});
  world.run();
  CHECK(words == Words{"file 0", "file 0", "file 0", "file 0", "file 1", "transferred"});
  CHECK(world.simulation.clock()->now() - begin >= 15s);
}

TEST_CASE("6.1: completing the job inside the handler is the normal use, and ends its notifications") {
  World world;
  world.start();
  Job job = add_files(world, 2, all_owed);
  Words words;
  job.set_notify_handler([&](const Job& told, const Event& event) {
    words.push_back(word_of(event));
    if (std::holds_alternative<JobTransferred>(event)) {
      Job mine = told;
      mine.complete();
    }
    return NotifyResult::retry;
  });
  job.resume();
  for (int i = 0; i < 8; ++i) world.run_for(5s);
  CHECK(words == Words{"file 0", "file 0", "file 0", "file 0", "file 0", "file 0", "file 0", "file 0"});
  job.set_notify_handler([&](const Job& told, const Event& event) {
    words.push_back(word_of(event));
    Job mine = told;
    if (std::holds_alternative<JobTransferred>(event)) mine.complete();
    return NotifyResult::handled;
  });
  world.run();
  CHECK(words.back() == "transferred");
  CHECK(job.state() == completed);
}

TEST_CASE("6.1: a handler that completes and says retry is called again if a file cannot take its name, and not else") {
  World world;
  const auto guard = std::make_shared<RefusingGuard>();
  world.options.commit_guard = guard;
  world.start();
  Job job = add_files(world, 1, Notify::transferred | Notify::error);
  Words words;
  job.set_notify_handler([&](const Job& told, const Event& event) {
    words.push_back(word_of(event));
    Job mine = told;
    mine.complete();
    return NotifyResult::retry;
  });
  job.resume();
  world.run_for(4s);
  CHECK(job.state() == transferred);
  CHECK(words == Words{"transferred"});
  guard->refuses = false;
  world.run();
  CHECK(job.state() == completed);
  CHECK(words == Words{"transferred", "transferred"});
}

TEST_CASE("6.3: what happened before there was a handler is told to it") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed);
  world.events.reset();
  job.resume();
  world.run();
  REQUIRE(job.state() == transferred);
  Words words;
  job.set_notify_handler(taking(words));
  world.run();
  CHECK(words == Words{"file 0", "transferred"});
  Words none;
  job.set_notify_handler(taking(none));
  world.run();
  CHECK(none.empty());
}

TEST_CASE("3.3: flags that are not set keep things owed, and so does disable") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed | Notify::disable);
  Words words;
  job.set_notify_handler(taking(words));
  job.resume();
  world.run();
  CHECK(words.empty());
  job.configure([](JobOptions& it) { it.notify.events = Notify::file_transferred; });
  world.run();
  CHECK(words == Words{"file 0"});
  job.configure([](JobOptions& it) { it.notify.events = Notify::transferred; });
  world.run();
  CHECK(words == Words{"file 0", "transferred"});
}

TEST_CASE("6.3: a live handler comes before a named one, and a named one is found again after a restart") {
  World world;
  Words named;
  world.options.notify_handlers["installer"] = taking(named);
  world.start();
  Job job = add_files(world, 1, all_owed);
  REQUIRE(job.configure([](JobOptions& it) { it.notify.handler = "installer"; }));
  Words live;
  job.set_notify_handler([&](const Job&, const Event& event) {
    live.push_back(word_of(event));
    return NotifyResult::retry;
  });
  job.resume();
  world.run_for(1s);
  CHECK(live == Words{"file 0"});
  CHECK(named.empty());
  world.run_for(1s);
  world.crash();
  world.start();
  world.run();
  CHECK(named == Words{"file 0", "transferred"});
  world.crash();
  world.start();
  world.run();
  CHECK(named.size() == 2);
}

TEST_CASE("6.3: a handler that nobody has registered is waited for") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed);
  REQUIRE(job.configure([](JobOptions& it) { it.notify.handler = "installer"; }));
  const JobId id = job.id();
  world.events.reset();
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  world.crash();
  Words words;
  world.options.notify_handlers["installer"] = taking(words);
  world.start();
  world.run();
  CHECK(words.front() == "file 0");
  CHECK(world.queue->find(id));
}

TEST_CASE("6.2: so many handlers run at a time, and not one more") {
  World world;
  world.options.limits.notifications_max = 2;
  std::vector<std::function<void()>> host;  // Where the host runs them, when it has time.
  world.options.dispatch = [&host](std::function<void()> work) { host.push_back(std::move(work)); };
  world.start();
  world.events.reset();
  Words words;
  for (int i = 0; i < 5; ++i) {
    JobOptions options;
    options.priority = Priority::foreground;
    options.files = {world.file("f" + std::to_string(i), 100)};
    Job job = world.queue->add(options).value();
    job.set_notify_handler(taking(words));
    job.resume();
  }
  world.run();
  CHECK(host.size() == 2);
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::function<void()> work = host[i];  // The list may grow meanwhile.
    work();
    world.run();
    CHECK(host.size() <= i + 3);
  }
  CHECK(words == Words(5, "transferred"));
}

TEST_CASE("6.4: what is owed goes before what has merely changed") {
  World world;
  world.options.limits.notifications_max = 1;
  std::vector<std::function<void()>> host;
  world.options.dispatch = [&host](std::function<void()> work) { host.push_back(std::move(work)); };
  world.start();
  world.events.reset();
  std::vector<std::string> words;
  const auto add = [&](const std::string& name, Notify events) {
    JobOptions options;
    options.display_name = name;
    options.priority = Priority::foreground;
    options.files = {world.file(name, 100)};
    options.notify.events = events;
    Job job = world.queue->add(options).value();
    job.set_notify_handler([&words](const Job& told, const Event& event) {
      words.push_back(told.options().display_name + ' ' + word_of(event));
      return NotifyResult::handled;
    });
    return job;
  };
  Job a = add("a", Notify::modification);
  Job b = add("b", Notify::modification);
  Job c = add("c", Notify::transferred);
  for (Job job : {a, b, c}) job.resume();
  world.run();
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::function<void()> work = host[i];  // The list may grow meanwhile.
    work();
    world.run_for(1ms);
  }
  REQUIRE(words.size() == 3);
  CHECK(words[1] == "c transferred");
}

TEST_CASE("3.3: modifications are coalesced, paced and never for the way to an end") {
  World world;
  world.start();
  Job job = add_files(world, 1, Notify::modification, 65'536 * 3000);
  job.configure([](JobOptions& it) { it.notify.interval_min = 500ms; });
  std::vector<Clock::TimePoint> told;
  job.set_notify_handler([&](const Job&, const Event& event) {
    CHECK(std::holds_alternative<JobModified>(event));
    told.push_back(world.simulation.clock()->now());
    return NotifyResult::retry;
  });
  job.resume();
  world.run();
  REQUIRE(job.state() == transferred);
  CHECK(told.size() >= 6);
  CHECK(told.size() <= 8);
  for (std::size_t i = 1; i < told.size(); ++i) CHECK(told[i] - told[i - 1] >= 500ms);
}

TEST_CASE("3.3: ranges that arrive are told for on-demand jobs, merged, and add up to the file") {
  for (const bool on_demand : {false, true}) {
    CAPTURE(on_demand);
    World world;
    world.start();
    JobOptions options;
    options.files = {world.file("a", 65'536 * 100)};
    options.notify.events = Notify::ranges_transferred;
    options.notify.interval_min = 10ms;
    options.download.on_demand = on_demand;
    Job job = world.queue->add(options).value();
    RangeSet told;
    int calls = 0;
    job.set_notify_handler([&](const Job&, const Event& event) {
      ++calls;
      for (ByteRange range : std::get<FileRangesTransferred>(event).ranges) told.add(range);
      return NotifyResult::handled;
    });
    if (on_demand) job.files()[0].request_ranges({ByteRange{}});
    job.resume();
    world.run();
    CHECK(told.ranges() == (on_demand ? job.files()[0].arrived() : std::vector<ByteRange>()));
    CHECK((calls > 0) == on_demand);
    CHECK(calls <= 12);
  }
}

TEST_CASE("6.3: a callback of on_event that throws is told again, also while there is no handler") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed);
  world.events.reset();
  int calls = 0;
  const Subscription events = job.on_event([&calls](const Event& event) {
    if (!std::holds_alternative<JobTransferred>(event)) return;
    if (++calls < 3) throw std::runtime_error("not now");
  });
  job.resume();
  world.run();
  CHECK(calls == 3);
}

TEST_CASE("6.3: while a job has a handler, a subscriber's word does not count") {
  World world;
  world.start();  // It subscribes, and returns from everything.
  Job job = add_files(world, 1, all_owed);
  int refusals = 2;
  Words words;
  job.set_notify_handler([&](const Job&, const Event& event) {
    words.push_back(word_of(event));
    return refusals-- > 0 ? NotifyResult::retry : NotifyResult::handled;
  });
  job.resume();
  world.run();
  CHECK(words == Words{"file 0", "file 0", "file 0", "transferred"});
}

TEST_CASE("6: a job that fails again while its handler is told of the first failure owes the second") {
  World world;
  std::vector<std::function<void()>> host;  // Where handlers run: outside the world, so that it can go on meanwhile.
  world.options.dispatch = [&host](std::function<void()> work) { host.push_back(std::move(work)); };
  world.start();
  Job job = add_files(world, 1, all_owed);
  Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file);
  world.transport->incidents = {gone, gone};
  int failures = 0;
  job.set_notify_handler([&](const Job& told, const Event& event) {
    if (!std::holds_alternative<JobFailed>(event)) return NotifyResult::handled;
    Job mine = told;
    if (++failures == 1) {
      mine.resume();
      world.run_for(1s);  // It fails again before this returns.
    }
    return NotifyResult::handled;
  });
  job.resume();
  world.run();
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::function<void()> work = host[i];
    work();
    world.run();
  }
  CHECK(failures == 2);
}

TEST_CASE("3.4: the command runs where there is no handler, until it ends well") {
  World world;
  Words ran;
  std::vector<std::function<void(std::error_code, int)>> children;
  world.options.run_command = [&](const NotifyCommand& command, const Event& event, const auto& done) {
    ran.push_back(command.program + ' ' + command.arguments.at(0) + ' ' + word_of(event));
    children.push_back(done);
  };
  world.start();
  Job job = add_files(world, 1, all_owed);
  REQUIRE(job.configure([](JobOptions& it) { it.notify.command = {"/usr/bin/tell", {"a b"}}; }));
  // No handler: nobody takes the file's event, which a command is not run for.
  job.configure([](JobOptions& it) { it.notify.events = Notify::transferred | Notify::error; });
  job.resume();
  world.run();
  CHECK(ran == Words{"/usr/bin/tell a b transferred"});
  world.run_for(1h);
  CHECK(ran.size() == 1);
  children[0]({}, 1);
  world.run_for(4s);
  CHECK(ran.size() == 1);
  world.run_for(2s);
  CHECK(ran.size() == 2);
  children[1](std::make_error_code(std::errc::no_such_file_or_directory), 0);
  world.run_for(6s);
  CHECK(ran.size() == 3);
  children[2]({}, 0);
  world.run_for(1h);
  CHECK(ran.size() == 3);
}

TEST_CASE("3.4: a handler that handles keeps the command from running, one that does not lets it") {
  for (const NotifyResult result : {NotifyResult::handled, NotifyResult::retry}) {
    World world;
    int ran = 0;
    world.options.run_command = [&](const NotifyCommand&, const Event&, const auto& done) {
      ++ran;
      done({}, 0);
    };
    world.start();
    Job job = add_files(world, 1, Notify::transferred);
    job.configure([](JobOptions& it) { it.notify.command.program = "/bin/true"; });
    int told = 0;
    job.set_notify_handler([&](const Job&, const Event&) {
      ++told;
      return result;
    });
    job.resume();
    world.run();
    CHECK(told == 1);
    CHECK(ran == (result == NotifyResult::handled ? 0 : 1));
  }
}

TEST_CASE("3.4: a command set after the event is still run") {
  World world;
  int ran = 0;
  world.options.run_command = [&](const NotifyCommand&, const Event&, const auto& done) {
    ++ran;
    done({}, 0);
  };
  world.start();
  Job job = add_files(world, 1, Notify::transferred);
  world.events.reset();
  job.resume();
  world.run();
  job.configure([](JobOptions& it) { it.notify.command.program = "/bin/true"; });
  world.run();
  CHECK(ran == 1);
}

TEST_CASE("3.4: without the host's leave a job cannot have a command, and one of an earlier run does not run it") {
  World world;
  int ran = 0;
  world.options.run_command = [&](const NotifyCommand&, const Event&, const auto& done) {
    ++ran;
    done({}, 0);
  };
  world.start();
  Job job = add_files(world, 1, Notify::transferred);
  const JobId id = job.id();
  job.configure([](JobOptions& it) { it.notify.command.program = "/bin/true"; });
  world.run();
  world.crash();
  world.options.run_command = nullptr;
  world.start();
  Job again = *world.queue->find(id);
  again.resume();
  world.run();
  CHECK(ran == 0);
  CHECK(again.configure([](JobOptions& it) { it.description = "other"; }));
  JobOptions options;
  options.notify.command.program = "/bin/true";
  const Result<Job> refused = world.queue->add(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::command_forbidden);
  CHECK(again.configure([](JobOptions& it) { it.notify.command.program = "/bin/false"; }).error().code() ==
        Errc::command_forbidden);
}

TEST_CASE("6: closing the queue ends all notifications") {
  World world;
  world.start();
  Job job = add_files(world, 1, all_owed);
  Words words;
  job.set_notify_handler([&](const Job&, const Event& event) {
    words.push_back(word_of(event));
    return NotifyResult::retry;
  });
  job.resume();
  world.run_for(1s);
  REQUIRE(words.size() == 1);
  world.queue->close();
  world.run_for(1h);
  CHECK(words.size() == 1);
}

// Each delivered at least once, in order per job, though one call in ten fails and the process ends at random.
TEST_CASE("6.3: 100 000 notifications survive a handler that fails and a process that is killed") {
  constexpr int jobs = test::sanitized ? 80 : 400;  // A fifth, where each step takes several times as long.
  constexpr int files = 249;                        // With the job's own: 250 notifications each.
  bgxfer_tests::Dice dice(7);
  World world;
  world.options.limits.background_jobs_max = 8;
  world.transport->connect_time = world.transport->read_time = 1ms;
  std::map<JobId, std::set<int>> handled;
  std::map<JobId, int> ended;
  std::uint64_t calls = 0;
  std::uint64_t out_of_order = 0;
  world.options.notify_handlers["count"] = [&](const Job& job, const Event& event) {
    ++calls;
    const bool fails = dice.one_in(10);
    const JobId id = job.id();
    if (const auto* file = std::get_if<FileTransferred>(&event)) {
      const int index = static_cast<int>(file->file);
      // In order: all before it have been handled, in this life or in one before.
      if (index > 0 && !handled[id].contains(index - 1)) ++out_of_order;
      if (!fails) handled[id].insert(index);
    } else {
      if (handled[id].size() != files) ++out_of_order;
      if (!fails) ++ended[id];
    }
    if (fails && dice.one_in(2)) throw std::runtime_error("failed");
    return fails ? NotifyResult::retry : NotifyResult::handled;
  };
  const auto add = [&](int number) {
    JobOptions options;
    options.notify.events = all_owed;
    options.notify.handler = "count";
    options.retry_delay_min = options.retry_delay_max = 20ms;
    for (int i = 0; i < files; ++i) {
      FileSpec file = world.file("f" + std::to_string(number) + '_' + std::to_string(i), 0);
      file.size = 0;
      options.files.push_back(std::move(file));
    }
    Job job = world.queue->add(std::move(options)).value();
    job.resume();
    return job.id();
  };
  int kills = 0;
  for (int number = 0; number < jobs;) {
    if (!world.queue) world.start();
    for (int i = 0; i < 8 && number < jobs; ++i) add(number++);
    for (;;) {
      world.run_for(std::chrono::milliseconds{20 + dice.below(400)});
      const std::vector<Job> left = world.queue->jobs();
      const bool done = std::all_of(left.begin(), left.end(), [&](const Job& it) { return ended[it.id()] > 0; });
      if (done) break;
      if (!dice.one_in(2)) continue;
      world.crash();
      ++kills;
      world.start();
    }
    // The next batch begins with an empty queue, so that the run does not slow down.
    for (Job job : world.queue->jobs()) job.complete();
    world.run_for(1s);
    world.heard.clear();
  }
  CHECK(out_of_order == 0);
  CHECK(ended.size() == jobs);
  std::uint64_t delivered = 0;
  for (const auto& [id, indexes] : handled) delivered += indexes.size();
  for (const auto& [id, count] : ended) delivered += count > 0 ? 1 : 0;
  CHECK(delivered == std::uint64_t{jobs} * (files + 1));
  CHECK(kills > jobs / 20);
  MESSAGE("notifications: ", delivered, ", calls: ", calls, ", kills: ", kills);
}

namespace {

struct AskingValidator final : CertificateValidator {
  AskingValidator(Job job, int& answers) : asks(std::move(job), answers) {}
  Result<void> check(const ServerCertificate&) override { return {}; }
  test::Asks asks;
};

}  // namespace

TEST_CASE("what belongs to the host may ask its job while it is destroyed, whoever drops it") {
  World world;
  world.start();
  int answers = 0;
  const auto asking = [&answers](const Job& job) -> NotifyHandler {
    return
        [asks = std::make_shared<test::Asks>(job, answers)](const Job&, const Event&) { return NotifyResult::handled; };
  };
  Job job = world.add("file", 1000);
  REQUIRE(job.set_notify_handler(asking(job)));
  REQUIRE(job.set_notify_handler(asking(job)));
  CHECK(answers == 1);  // Replaced.
  const auto edit = [&](JobOptions& options) {
    options.http.tls.validator = std::make_shared<AskingValidator>(job, answers);
  };
  REQUIRE(job.configure(edit));
  REQUIRE(job.configure([](JobOptions& options) { options.http.tls.validator.reset(); }));
  CHECK(answers == 2);
  job.cancel();
  world.run();
  CHECK(answers == 3);  // Gone with its job.
  Job left = world.add("left", 1000);
  REQUIRE(left.set_notify_handler(asking(left)));
  world.stop();
  CHECK(answers == 4);  // Gone with the queue.
}

TEST_CASE("a notification that a dispatcher did not take is told later") {
  World world;
  int refusals = 0;
  world.options.dispatch = test::refusing(refusals);
  world.options.limits.notifications_max = 1;
  world.start();
  world.events.reset();
  Words words;
  Job job = add_files(world, 1, all_owed);
  REQUIRE(job.set_notify_handler(taking(words)));
  refusals = 1;
  job.resume();
  CHECK_THROWS_WITH(world.run(), "no room");
  CHECK(words.empty());
  world.run();
  CHECK(words == Words{"file 0", "transferred"});
}
