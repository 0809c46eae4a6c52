#include <bgxfer/transfer_queue.hpp>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::World;

TEST_CASE("a job downloads its file, and the file appears under its name on complete") {
  World world;
  TransferQueue& queue = world.start();
  Job job = world.add("a", 300'000);
  CHECK(job.state() == JobState::suspended);
  REQUIRE(job.resume());
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK_FALSE(world.contents("a"));
  CHECK(world.temporary_files() == 1);
  REQUIRE(job.complete());
  world.run();
  CHECK(job.state() == JobState::completed);
  CHECK(world.contents("a") == test::content(300'000));
  CHECK(world.temporary_files() == 0);
  CHECK(queue.jobs().empty());
}
