#include <algorithm>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;

namespace {

constexpr std::size_t large = 20'000'000;

Incident refuse(std::error_code code) {
  Incident incident;
  incident.refuse = Error(code, ErrorContext::transport, "server");
  return incident;
}

}  // namespace

TEST_CASE("2.2 rule 3: a more urgent job preempts at once, and the other keeps its bytes") {
  World world;
  world.start();
  Job low = world.add("low", large, Priority::low);
  low.resume();
  world.run_for(100ms);
  REQUIRE(low.state() == JobState::transferring);
  const auto before = low.progress().bytes_transferred;
  REQUIRE(before > 0);

  Job high = world.add("high", 1'000'000, Priority::high);
  high.resume();
  world.run_ready();
  CHECK(low.state() == JobState::queued);
  CHECK(low.waiting().reason == WaitReason::turn);
  CHECK(high.state() == JobState::connecting);
  CHECK(low.progress().bytes_transferred >= before);
  world.run();
  CHECK(high.state() == JobState::transferred);
  CHECK(low.state() == JobState::transferred);
  CHECK(world.transport->bytes_sent <= large + 1'000'000 + 2 * world.options.chunk_bytes);
}

TEST_CASE("a foreground job makes background jobs wait, unless the limits let them run beside it") {
  for (bool beside : {false, true}) {
    World world;
    world.options.limits.background_beside_foreground = beside;
    world.start();
    Job background = world.add("background", large);
    background.resume();
    world.run_for(50ms);
    Job foreground = world.add("foreground", large, Priority::foreground);
    foreground.resume();
    world.run_ready();
    CHECK(is_running(foreground.state()));
    CHECK(is_running(background.state()) == beside);
  }
}

TEST_CASE("2.2 rule 1: foreground jobs run together, up to the limit, and one background job at a time") {
  World world;
  world.options.limits.foreground_jobs_max = 3;
  world.start();
  std::vector<Job> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(world.add("f" + std::to_string(i), large, Priority::foreground));
  for (Job& job : jobs) job.resume();
  world.run_for(50ms);
  CHECK(std::count_if(jobs.begin(), jobs.end(), [](Job& job) { return is_running(job.state()); }) == 3);
  for (Job& job : jobs) job.cancel();
  world.run();

  std::vector<Job> normal;
  for (int i = 0; i < 5; ++i) normal.push_back(world.add("n" + std::to_string(i), large));
  for (Job& job : normal) job.resume();
  world.run_for(50ms);
  CHECK(std::count_if(normal.begin(), normal.end(), [](Job& job) { return is_running(job.state()); }) == 1);
}

TEST_CASE("2.2 rule 2: the files of a job come in their order, one at a time") {
  World world;
  world.start();
  JobOptions options;
  for (int i = 0; i < 5; ++i) options.files.push_back(world.file("f" + std::to_string(i), 1000));
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.transport->in_flight_max == 1);
  REQUIRE(world.transport->asked.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(world.transport->asked[i].url == "http://server/f" + std::to_string(i));
}

TEST_CASE("a launcher may have several files of a job in flight") {
  World world;
  world.start();
  JobOptions options;
  options.parallel_files = 4;
  for (int i = 0; i < 40; ++i) options.files.push_back(world.file("f" + std::to_string(i), 200'000, 7));
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.transport->in_flight_max == 4);
  job.complete();
  world.run();
  for (int i = 0; i < 40; ++i) CHECK(world.contents("f" + std::to_string(i)) == test::content(200'000, 7));
}

TEST_CASE("2.2 rule 4: a hundred equal jobs share time within 10 %") {
  World world;
  world.options.limits.time_slice = 1s;
  world.transport->connect_time = 1ms;
  world.start();
  std::vector<Job> jobs;
  for (int i = 0; i < 100; ++i) {
    jobs.push_back(world.add("j" + std::to_string(i), 400'000));
    jobs.back().configure([](JobOptions& options) { options.bytes_per_second_max = 10'000; });
  }
  for (Job& job : jobs) job.resume();
  world.run_for(1000s);
  std::vector<std::uint64_t> shares;
  for (Job& job : jobs) shares.push_back(job.progress().bytes_transferred);
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  MESSAGE("bytes of the least and the most served of 100 equal jobs after 10 turns each: " << *least << " and "
                                                                                           << *most);
  CHECK(*least > 0);
  CHECK(static_cast<double>(*most - *least) <= 0.1 * static_cast<double>(*most));
}

TEST_CASE("2.2 rule 5: a job that waits after an error lets less urgent ones run, and comes back when its delay ends") {
  World world;
  world.start();
  Job high = world.add("high", 1000, Priority::high);
  Job low = world.add("low", large, Priority::low);
  world.transport->incidents.push_back(refuse(std::make_error_code(std::errc::connection_refused)));
  high.resume();
  low.resume();
  world.run_for(50ms);
  CHECK(high.state() == JobState::transient_error);
  CHECK(high.waiting().reason == WaitReason::retry);
  CHECK(high.waiting().next_attempt_in <= 1000ms);
  CHECK(is_running(low.state()));
  world.run_for(2s);
  CHECK(high.state() == JobState::transferred);
}

TEST_CASE("2.2 rule 5: a job in error never blocks a lower one") {
  World world;
  world.start();
  Job high = world.add("high", 1000, Priority::high);
  Job low = world.add("low", 1000, Priority::low);
  world.transport->incidents.push_back(refuse(http_status(404)));
  high.resume();
  low.resume();
  world.run();
  CHECK(high.state() == JobState::error);
  CHECK(low.state() == JobState::transferred);
}

TEST_CASE("2.2 rule 8: changing the priority of a running job schedules it anew") {
  World world;
  world.start();
  Job first = world.add("first", large);
  Job second = world.add("second", large);
  first.resume();
  second.resume();
  world.run_for(50ms);
  REQUIRE(is_running(first.state()));
  second.set_priority(Priority::high);
  world.run_ready();
  CHECK(first.state() == JobState::queued);
  CHECK(is_running(second.state()));
}

TEST_CASE("a queue in which nothing moves has no timer, whatever it holds") {
  World world;
  world.start();
  std::vector<Job> jobs;
  for (int i = 0; i < 1000; ++i) jobs.push_back(world.add("j" + std::to_string(i), 1000));
  world.run();
  CHECK(world.simulation.sleepers() == 0);
  CHECK(world.simulation.ready() == 0);
  jobs[0].resume();
  world.run();
  CHECK(jobs[0].state() == JobState::transferred);
  CHECK(world.simulation.sleepers() == 0);
}
