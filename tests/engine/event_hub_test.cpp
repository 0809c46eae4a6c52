// How events come to the host, in virtual time; tests/threads has the same on several threads.
#include <memory>

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
