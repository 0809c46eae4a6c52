// How events come to the host, in virtual time; tests/threads has the same on several threads.
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "support/difficult_host.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using test::World;

TEST_CASE("what a dispatcher did not take is told with the next event") {
  World world;
  int refusals = 0;
  world.options.dispatch = test::refusing(refusals);
  world.start();
  refusals = 1;
  Job job = world.add("file", 1000);
  CHECK_THROWS_WITH(world.run(), "no room");
  CHECK(world.count<JobAdded>(job) == 0);
  job.resume();
  world.run();
  CHECK(world.count<JobAdded>(job) == 1);
  CHECK(world.count<JobTransferred>(job) == 1);
}

TEST_CASE("who takes an event late takes nothing else: what the job owes since then is told until it is taken") {
  World world;
  std::vector<std::function<void()>> thread;  // Of a host that is busy.
  world.options.dispatch = [&thread](std::function<void()> work) { thread.push_back(std::move(work)); };
  world.queue.emplace(world.simulation.executor(), world.options);
  int calls = 0;
  Subscription ears = world.queue->on_event([&calls](const Event& event) {
    if (std::holds_alternative<JobTransferred>(event) && ++calls == 1) throw std::runtime_error("not now");
  });
  Job job = world.add("file", 1000);
  test::Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file, "server");
  world.transport->incidents.push_back(gone);
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::error);
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  for (int turn = 0; turn < 10 && !thread.empty(); ++turn) {
    for (const auto& work : std::exchange(thread, {})) work();
    world.run();
  }
  CHECK(calls == 2);
}

TEST_CASE("a callback may ask its job while it is destroyed, also in the middle of a call") {
  World world;
  world.start();
  Job job = world.add("file", 1000);
  int answers = 0;
  Subscription ears = job.on_event([asks = std::make_shared<test::Asks>(job, answers)](const Event&) {});
  ears.reset();
  CHECK(answers == 1);
  ears = job.on_event([&ears, asks = std::make_shared<test::Asks>(job, answers)](const Event&) { ears.reset(); });
  job.resume();
  world.run();
  CHECK(answers == 2);
}
