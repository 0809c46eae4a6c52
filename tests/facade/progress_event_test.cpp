#include <bgxfer/event.hpp>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::World;

TEST_CASE("a progress event tells the time left while bytes move, and no speed once the job has stopped") {
  World world;
  world.options.bytes_per_second_max = 100'000;
  world.start();
  Job job = world.add("a", 1'000'000);
  REQUIRE(job.resume());
  world.run_for(4s);
  REQUIRE(job.suspend());
  world.run_ready();
  bool told = false;
  Progress last;
  for (const Event& event : world.heard) {
    const auto* made = std::get_if<ProgressMade>(&event);
    if (!made) continue;
    told = told || made->progress.time_left.has_value();
    last = made->progress;
  }
  CHECK(told);
  CHECK(last.bytes_per_second == 0);
  CHECK_FALSE(last.time_left);
}
