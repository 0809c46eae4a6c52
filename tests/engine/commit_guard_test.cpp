#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/waiting.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::wait_for;
using test::World;

namespace {

/// Notes what it is asked, takes its time, and refuses the targets that it is told to.
class Guard final : public CommitGuard {
 public:
  explicit Guard(World& world) : world_(world) {}

  std::vector<CommitQuestion> asked;
  std::string refused{};
  bool throws = false;         ///< The next time it is asked.
  std::size_t names_seen = 0;  ///< Files that had their names while it was asked.

  asio::awaitable<Result<void>> check(CommitQuestion question) override {
    asked.push_back(question);
    if (std::exchange(throws, false)) throw std::runtime_error("the scanner crashed");
    names_seen += world_.contents("a").has_value() + world_.contents("b").has_value();
    co_await world_.simulation.clock()->sleep_until(world_.simulation.clock()->now() + 1s);
    if (question.target != refused) co_return Result<void>{};
    co_return Error(std::make_error_code(std::errc::operation_not_permitted), ErrorContext::local_file, "has a virus");
  }

 private:
  World& world_;
};

struct GuardedWorld : World {
  GuardedWorld() {
    guard = std::make_shared<Guard>(*this);
    options.commit_guard = guard;
  }

  Job transferred_job() {
    start();
    JobOptions job;
    job.files = {file("a", 1000), file("b", 2000)};
    Job added = queue->add(job).value();
    added.resume();
    run();
    REQUIRE(added.state() == JobState::transferred);
    return added;
  }

  std::shared_ptr<Guard> guard;
};

}  // namespace

TEST_CASE("4.6: the guard is asked for every file before the first gets its name, with the file that will get it") {
  GuardedWorld world;
  Job job = world.transferred_job();
  const std::vector<File> files = job.files();
  const std::filesystem::path temporary = files[1].temporary();
  CHECK(world.guard->asked.empty());
  job.complete();
  const std::optional<Result<void>> outcome = *wait_for(world, job, &Job::completed);
  REQUIRE(outcome);
  CHECK(*outcome);
  REQUIRE(world.guard->asked.size() == 2);
  CHECK(world.guard->names_seen == 0);
  const CommitQuestion& question = world.guard->asked[1];
  CHECK(question.job == job.id());
  CHECK(question.file == FileIndex{1});
  CHECK(question.url == "http://server/b");
  CHECK(question.temporary == temporary);
  CHECK(question.target == "/files/b");
  CHECK(question.size == 2000);
  CHECK(question.identity != FileIdentity{});
  CHECK(world.contents("b") == world.resource("b").content);
}

TEST_CASE("4.6: a file that the guard refuses keeps all files from their names, and the job may be completed again") {
  GuardedWorld world;
  world.guard->refused = "/files/b";
  Job job = world.transferred_job();
  job.complete();
  const std::optional<Result<void>> outcome = *wait_for(world, job, &Job::completed);
  REQUIRE(outcome);
  REQUIRE_FALSE(*outcome);
  CHECK(outcome->error().code() == Errc::commit_refused);
  CHECK(outcome->error().file() == 1u);
  CHECK(outcome->error().message().find("/files/b") != std::string::npos);
  CHECK(outcome->error().message().find("has a virus") != std::string::npos);
  CHECK(job.state() == JobState::transferred);
  CHECK_FALSE(world.contents("a"));
  CHECK_FALSE(world.contents("b"));
  world.guard->refused.clear();
  job.complete();
  world.run();
  CHECK(world.guard->asked.size() == 4);
  CHECK(world.contents("a"));
  CHECK(world.contents("b"));
}

TEST_CASE("4.6: a restart asks the guard again, unless it had let all files through") {
  for (const Clock::Duration crash : {500ms, 1'500ms, 2'000ms}) {
    CAPTURE(crash.count());
    GuardedWorld world;
    const JobId id = world.transferred_job().id();
    world.queue->find(id)->complete();
    world.run_for(crash);
    const bool named = world.contents("b").has_value();
    world.crash();
    world.guard->asked.clear();
    world.start();
    world.run();
    CHECK(world.contents("a"));
    CHECK(world.contents("b"));
    if (crash < 2s) CHECK(world.guard->asked.size() == 2);
    if (named) CHECK(world.guard->asked.empty());
  }
}

TEST_CASE("4.6: only files that have arrived are shown to the guard") {
  GuardedWorld world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000), world.file("b", 5'000'000)};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run_for(30ms);
  job.complete();
  world.run();
  REQUIRE(world.guard->asked.size() == 1);
  CHECK(world.guard->asked[0].target == "/files/a");
  CHECK(world.contents("a"));
  CHECK_FALSE(world.contents("b"));
}

TEST_CASE("a guard that throws has refused, and may be asked once more") {
  GuardedWorld world;
  Job job = world.transferred_job();
  world.guard->throws = true;
  REQUIRE(job.complete());
  const test::Waited refused = wait_for(world, job, &Job::completed);
  REQUIRE(refused->has_value());
  REQUIRE_FALSE((*refused)->has_value());
  CHECK((*refused)->error().code() == Errc::commit_refused);
  CHECK((*refused)->error().message().find("the scanner crashed") != std::string::npos);
  CHECK_FALSE(world.contents("a"));
  REQUIRE(job.complete());
  world.run();
  CHECK(world.contents("a"));
  CHECK(world.contents("b"));
}
