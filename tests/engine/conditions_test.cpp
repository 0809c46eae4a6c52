// What a host waits for: each condition ends with what has become of the job, and not before.
#include <memory>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "support/waiting.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::wait_for;
using test::Waited;
using test::World;

namespace {

asio::awaitable<void> note_drained(TransferQueue& queue, std::shared_ptr<bool> out) {
  co_await queue.drained();
  *out = true;
}

}  // namespace

TEST_CASE("transferred() of a job resolves when every byte has arrived, and at once from then on") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  const Waited before = wait_for(world, job, &Job::transferred);
  CHECK_FALSE(*before);
  REQUIRE(job.resume());
  world.run();
  REQUIRE(*before);
  CHECK((*before)->has_value());
  const Waited after = wait_for(world, job, &Job::transferred);
  REQUIRE(*after);
  CHECK((*after)->has_value());
}

TEST_CASE("transferred() of a job that is cancelled says so, and so does completed()") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  const Waited transferred = wait_for(world, job, &Job::transferred);
  const Waited completed = wait_for(world, job, &Job::completed);
  const Waited file = wait_for(world, job.files().front(), &File::transferred);
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
  const Waited waited = wait_for(world, job, &Job::transferred);
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
  const Waited first = wait_for(world, job.files()[0], &File::transferred);
  REQUIRE(*first);
  CHECK((*first)->has_value());
  const Waited second = wait_for(world, job.files()[1], &File::transferred);
  REQUIRE(*second);
  CHECK((*second)->error().code() == http_status(404));
  REQUIRE(job.complete());
  world.run();
  CHECK((*wait_for(world, job.files()[0], &File::transferred))->has_value());
  CHECK((*wait_for(world, job.files()[1], &File::transferred))->error().code() == Errc::cancelled);
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
