#include <bgxfer/metrics.hpp>

#include <numeric>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace bgxfer::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t jobs_in(const Metrics& metrics, JobState state) { return metrics.jobs[static_cast<std::size_t>(state)]; }

}  // namespace

TEST_CASE("metrics: a new queue has counted nothing but the journal that it made") {
  World world;
  world.start();
  Metrics metrics = world.queue->metrics();
  CHECK(metrics.journal_size > 0);
  CHECK(metrics.journal_rewrites == 1);
  metrics.journal_size = metrics.journal_bytes = metrics.journal_rewrites = metrics.journal_syncs = 0;
  metrics.journal_writes = 0;
  CHECK(metrics == Metrics());
}

TEST_CASE("metrics: a job is counted through its life, and what it held is given back") {
  World world;
  world.start();
  Job job = world.add("a", 1'000'000);
  CHECK(jobs_in(world.queue->metrics(), JobState::suspended) == 1);
  job.resume();
  world.run_for(13ms);
  Metrics metrics = world.queue->metrics();
  CHECK(jobs_in(metrics, JobState::transferring) == 1);
  CHECK(metrics.open_files == 1);
  CHECK(metrics.buffers_lent == 1);
  CHECK(metrics.requests == 1);

  world.run();
  job.complete();
  world.run();
  metrics = world.queue->metrics();
  CHECK(metrics.bytes_received == 1'000'000);
  CHECK(metrics.responses_2xx == 1);
  CHECK(metrics.jobs_added == 1);
  CHECK(metrics.jobs_transferred == 1);
  CHECK(metrics.jobs_completed == 1);
  CHECK(metrics.files_finished == 1);
  CHECK(metrics.checkpoints >= 1);
  CHECK(metrics.journal_writes > 0);
  CHECK(metrics.journal_syncs > 0);
  CHECK(metrics.open_files == 0);
  CHECK(metrics.buffers_lent == 0);
  CHECK(metrics.buffers_spare == 1);
  CHECK(std::accumulate(metrics.jobs.begin(), metrics.jobs.end(), std::uint64_t{0}) == 0);
}

TEST_CASE("metrics: failures are counted by kind") {
  World world;
  world.start();
  const auto refuse = [](std::error_code code) {
    Incident incident;
    incident.refuse = Error(code, ErrorContext::remote_file, "no");
    return incident;
  };
  Incident cut;
  cut.cut_after = 100'000;
  world.transport->incidents = {refuse(http_status(503)), refuse(make_error_code(Errc::connection_closed)), cut,
                                refuse(http_status(300))};
  Job job = world.add("a", 200'000);
  job.resume();
  world.run_for(20s);
  world.resource("a").validator = "\"v2\"";
  Metrics metrics = world.queue->metrics();
  CHECK(metrics.responses_5xx == 1);
  CHECK(metrics.responses_3xx == 1);
  CHECK(metrics.requests_failed == 1);
  CHECK(metrics.bodies_cut == 1);
  CHECK(metrics.requests == metrics.responses_2xx + 3);
  CHECK(metrics.attempts_failed + metrics.jobs_failed == 4);

  world.transport->incidents = {refuse(http_status(401))};
  Job refused = world.add("b", 1000);
  refused.resume();
  job.cancel();
  world.run_for(20s);
  metrics = world.queue->metrics();
  CHECK(metrics.responses_4xx == 1);
  CHECK(metrics.jobs_cancelled == 1);
  CHECK(jobs_in(metrics, JobState::error) == 1);
}

TEST_CASE("metrics: jobs of an earlier run are counted where they are, not as added") {
  World world;
  world.start();
  world.add("a", 1000);
  world.run();
  world.crash();
  world.start();
  world.run();
  const Metrics metrics = world.queue->metrics();
  CHECK(metrics.jobs_added == 0);
  CHECK(jobs_in(metrics, JobState::suspended) == 1);
}

TEST_CASE("metrics: the list has every figure once, under its own name") {
  Metrics metrics;
  metrics.bytes_received = 7;
  metrics.jobs[static_cast<std::size_t>(JobState::error)] = 9;
  std::set<std::string> names;
  for (const MetricValue& value : list(metrics)) {
    CHECK(names.insert(std::string(value.name)).second);
    if (value.name == "bytes_received") CHECK(value.value == 7);
    if (value.name == "jobs_in_error") CHECK(value.value == 9);
  }
  CHECK(names.size() == list(metrics).size());
}
