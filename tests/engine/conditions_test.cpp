// What a host waits for: each condition ends with what has become of the job, and not before.
#include <memory>
#include <optional>
#include <utility>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::World;

namespace {

using Waited = std::shared_ptr<std::optional<Result<void>>>;

asio::awaitable<void> note_job(Job job, Waited out) { *out = co_await job.transferred(); }
asio::awaitable<void> note_completed(Job job, Waited out) { *out = co_await job.completed(); }
asio::awaitable<void> note_file(File file, Waited out) { *out = co_await file.transferred(); }
asio::awaitable<void> note_drained(TransferQueue& queue, std::shared_ptr<bool> out) {
  co_await queue.drained();
  *out = true;
}

template <class Note, class Subject>
Waited wait(World& world, Note note, Subject subject) {
  auto outcome = std::make_shared<std::optional<Result<void>>>();
  asio::co_spawn(world.simulation.executor(), note(std::move(subject), outcome), asio::detached);
  world.run();
  return outcome;
}

}  // namespace

TEST_CASE("transferred() of a job resolves when every byte has arrived, and at once from then on") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  const Waited before = wait(world, note_job, job);
  CHECK_FALSE(*before);
  REQUIRE(job.resume());
  world.run();
  REQUIRE(*before);
  CHECK((*before)->has_value());
  const Waited after = wait(world, note_job, job);
  REQUIRE(*after);
  CHECK((*after)->has_value());
}

TEST_CASE("transferred() of a job that is cancelled says so, and so does completed()") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  const Waited transferred = wait(world, note_job, job);
  const Waited completed = wait(world, note_completed, job);
  const Waited file = wait(world, note_file, job.files().front());
  REQUIRE(job.cancel());
  world.run();
  for (const Waited& waited : {transferred, completed, file}) {
    REQUIRE(*waited);
    REQUIRE_FALSE((*waited)->has_value());
    CHECK((*waited)->error().code() == Errc::cancelled);
  }
}

TEST_CASE("transferred() resolves with what stopped the job") {
  World world;
  world.start();
  test::Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file, "server");
  world.transport->incidents.push_back(gone);
  Job job = world.add("a", 300'000);
  REQUIRE(job.resume());
  const Waited waited = wait(world, note_job, job);
  REQUIRE(*waited);
  REQUIRE_FALSE((*waited)->has_value());
  CHECK((*waited)->error().code() == http_status(404));
}

TEST_CASE("a file is transferred before the rest of its job; one that a completed job lacks never is") {
  World world;
  world.start();
  test::Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file, "server");
  JobOptions options;
  options.parallel_files = 1;
  options.files = {world.file("a", 1000), world.file("b", 1000)};
  Job job = world.queue->add(options).value();
  world.transport->incidents.push_back({});
  world.transport->incidents.push_back(gone);
  REQUIRE(job.resume());
  const Waited first = wait(world, note_file, job.files()[0]);
  REQUIRE(*first);
  CHECK((*first)->has_value());
  const Waited second = wait(world, note_file, job.files()[1]);
  REQUIRE(*second);
  CHECK((*second)->error().code() == http_status(404));
  REQUIRE(job.complete());
  world.run();
  CHECK((*wait(world, note_file, job.files()[0]))->has_value());
  CHECK((*wait(world, note_file, job.files()[1]))->error().code() == Errc::cancelled);
}

TEST_CASE("a queue is drained when no job is active or waiting to be") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  REQUIRE(job.resume());
  const auto drained = std::make_shared<bool>(false);
  asio::co_spawn(world.simulation.executor(), note_drained(*world.queue, drained), asio::detached);
  world.run_for(1ms);
  CHECK_FALSE(*drained);
  world.run();
  CHECK(*drained);
  CHECK(job.state() == JobState::transferred);
}
