// The rows of spec part 1.3 that concern downloads, each shown by a queue in virtual time. Rows for what bgxfer does
// not do yet (uploads, owners that log off, validation by the host, peers, helper identities, on-demand mode) are
// exercised on the table alone; T25, T26, T30 by cost and T34 are in job_properties_test.cpp.
#include "model/transitions.hpp"

#include <chrono>
#include <vector>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using bgxfer::detail::next_state;
using bgxfer::detail::Stimulus;
using test::Incident;
using test::World;
using enum JobState;

namespace {

Incident refused(std::error_code code) {
  Incident incident;
  incident.refuse = Error(code, ErrorContext::transport, "server");
  return incident;
}

Incident cut(std::uint64_t after) {
  Incident incident;
  incident.cut_after = after;
  return incident;
}

const std::error_code no_answer = std::make_error_code(std::errc::connection_refused);

}  // namespace

TEST_CASE("T1: a new job is suspended and knows when it was made") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  CHECK(job.state() == suspended);
  CHECK(job.times().created == world.simulation.clock()->wall_now());
  CHECK_FALSE(job.times().transferred);
}

TEST_CASE("T2, T4, T5, T8, T9: a resumed job is queued, connects, transfers each file, and is transferred") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 100'000), world.file("b", 100'000)};
  Job job = world.queue->add(options).value();
  REQUIRE(job.resume());
  CHECK(job.state() == queued);
  world.run();
  CHECK(world.states(job) == std::vector{queued, connecting, transferring, transferred});
  CHECK(world.count<FileTransferred>(job) == 2);
  CHECK(world.count<JobTransferred>(job) == 1);
  CHECK(job.times().transferred);
}

TEST_CASE("T3: a job without files cannot be resumed") {
  World world;
  world.start();
  Job job = world.queue->add({}).value();
  const CommandResult refused = job.resume();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::empty_job);
  CHECK(job.state() == suspended);
}

TEST_CASE("T5: the error of the last failure is forgotten when bytes move again") {
  World world;
  world.start();
  Job job = world.add("a", 100'000);
  world.transport->incidents.push_back(refused(no_answer));
  job.resume();
  world.run_for(50ms);
  CHECK(job.error()->code() == no_answer);
  world.run();
  CHECK_FALSE(job.error());
  CHECK(job.error_count() == 1);
}

TEST_CASE("T6, T12: a failed connection waits for the retry delay and tries again") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  world.transport->incidents.push_back(refused(no_answer));
  job.resume();
  world.run();
  CHECK(world.states(job) ==
        std::vector{queued, connecting, transient_error, queued, connecting, transferring, transferred});
  CHECK(world.count<AttemptFailed>(job) == 1);
}

TEST_CASE("T6: a failed connection that no retry can cure is an error") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  world.transport->incidents.push_back(refused(Errc::certificate_untrusted));
  job.resume();
  world.run();
  CHECK(world.states(job) == std::vector{queued, connecting, error});
}

TEST_CASE("T7: a job whose time slice ends goes back into the line with its bytes") {
  World world;
  world.options.limits.time_slice = 200ms;
  world.start();
  Job a = world.add("a", 20'000'000);
  Job b = world.add("b", 20'000'000);
  a.resume();
  b.resume();
  world.run_for(250ms);
  CHECK(a.state() == queued);
  CHECK(a.progress().bytes_transferred > 0);
  CHECK(is_running(b.state()));
}

TEST_CASE("T10: a connection that breaks is a passing error, counted, and the retry delay runs") {
  World world;
  world.start();
  Job job = world.add("a", 1'000'000);
  world.transport->incidents.push_back(cut(200'000));
  job.resume();
  world.run_for(100ms);
  CHECK(job.state() == transient_error);
  CHECK(job.error()->code() == Errc::body_truncated);
  CHECK(job.error()->file() == 0u);
  CHECK(job.error_count() == 1);
  CHECK(job.waiting().reason == WaitReason::retry);
  CHECK(job.waiting().next_attempt_in.has_value());
}

TEST_CASE("T11: what a retry cannot cure is an error that the host is told of") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  world.transport->resources.clear();
  job.resume();
  world.run();
  CHECK(job.state() == error);
  CHECK(job.error()->code() == http_status(404));
  CHECK(world.count<JobFailed>(job) == 1);
}

TEST_CASE("T13: a job without progress for the no-progress timeout fails with its last error") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  job.configure([](JobOptions& options) { options.no_progress_timeout = 30s; });
  for (int i = 0; i < 1000; ++i) world.transport->incidents.push_back(refused(no_answer));
  const auto began = world.simulation.clock()->now();
  job.resume();
  world.run();
  CHECK(job.state() == error);
  CHECK(job.error()->code() == no_answer);
  CHECK(world.simulation.clock()->now() - began >= 29s);
  CHECK(world.simulation.clock()->now() - began <= 31s);
}

TEST_CASE("2.5: a retry delay beyond the no-progress timeout means no retry") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  job.configure([](JobOptions& options) {
    options.retry_delay_min = 60s;
    options.no_progress_timeout = 30s;
  });
  world.transport->incidents.push_back(refused(no_answer));
  job.resume();
  world.run();
  CHECK(job.state() == error);
  CHECK(world.transport->asked.size() == 1);
}

TEST_CASE("T14: resume skips the retry delay") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  job.configure([](JobOptions& options) { options.retry_delay_min = options.retry_delay_max = 3600s; });
  world.transport->incidents.push_back(refused(no_answer));
  job.resume();
  world.run_for(1s);
  REQUIRE(job.state() == transient_error);
  REQUIRE(job.resume());
  world.run_for(1s);
  CHECK(job.state() == transferred);
}

TEST_CASE("T15: resume after an error keeps finished files and goes on with the one that failed") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000), world.file("b", 1000)};
  Job job = world.queue->add(options).value();
  world.transport->incidents = {Incident{}, refused(http_status(403))};
  job.resume();
  world.run();
  REQUIRE(job.state() == error);
  CHECK(job.error()->file() == 1u);
  CHECK(job.progress().files_transferred == 1);
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  CHECK(world.transport->asked.size() == 3);
}

TEST_CASE(
    "T16, T17: without a network jobs wait, without a timer and without being counted, and go on when it is back") {
  World world;
  world.start();
  Job running = world.add("a", 10'000'000);
  Job waiting = world.add("b", 10);
  running.resume();
  waiting.resume();
  world.run_for(50ms);
  world.queue->network_changed(Connectivity::offline);
  world.run();
  for (const Job& job : {running, waiting}) {
    CHECK(job.state() == transient_error);
    CHECK(job.error()->code() == Errc::network_disconnected);
    CHECK(job.waiting().reason == WaitReason::network);
    CHECK_FALSE(job.waiting().next_attempt_in);
    CHECK(job.error_count() == 0);
  }
  CHECK(world.simulation.sleepers() == 0);
  CHECK(world.transport->network_changes == 1);
  world.queue->network_changed(Connectivity::online);
  world.run();
  CHECK(running.state() == transferred);
  CHECK(waiting.state() == transferred);
  CHECK(world.transport->bytes_sent <= 10'000'010 + 2 * world.options.chunk_bytes);
}

TEST_CASE("T17: the network's return ends any wait") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  job.configure([](JobOptions& options) { options.retry_delay_min = options.retry_delay_max = 3600s; });
  world.transport->incidents.push_back(refused(no_answer));
  job.resume();
  world.run_for(1s);
  world.queue->network_changed(Connectivity::online);
  world.run_for(1s);
  CHECK(job.state() == transferred);
}

TEST_CASE("T19: suspend stops a job wherever it is, and keeps its bytes") {
  World world;
  world.start();
  Job job = world.add("a", 10'000'000);
  job.resume();
  world.run_for(50ms);
  REQUIRE(job.suspend());
  CHECK(job.state() == suspended);
  world.run();
  const std::uint64_t kept = job.progress().bytes_transferred;
  CHECK(kept > 0);
  CHECK(job.suspend());
  CHECK(world.transport->in_flight == 0);
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  CHECK(world.transport->asked.back().range.offset == kept);
}

TEST_CASE("T19: a job in error or transferred stays as it is when it is suspended") {
  World world;
  world.start();
  Job good = world.add("a", 10);
  Job bad = world.add("b", 10);
  world.transport->resources.erase("http://server/b");
  good.resume();
  bad.resume();
  world.run();
  CHECK(good.suspend());
  CHECK(bad.suspend());
  CHECK(good.state() == transferred);
  CHECK(bad.state() == error);
}

TEST_CASE("T20: resume of a job that runs changes nothing") {
  World world;
  world.start();
  Job job = world.add("a", 10'000'000);
  job.resume();
  world.run_for(50ms);
  CHECK(job.resume());
  CHECK(job.state() == transferring);
  CHECK(world.transport->asked.size() == 1);
}

TEST_CASE("T21: files added to a transferred job are fetched after resume, and only they") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  job.resume();
  world.run();
  REQUIRE(job.resume());
  CHECK(job.state() == transferred);
  REQUIRE(job.add({world.file("b", 2000)}));
  CHECK(job.state() == transferred);
  REQUIRE(job.resume());
  world.run();
  CHECK(job.state() == transferred);
  CHECK(world.transport->asked.size() == 2);
  job.complete();
  world.run();
  CHECK(world.contents("a"));
  CHECK(world.contents("b"));
}

TEST_CASE("T22, 4.6 rule 2: completing a half-done job keeps whole files and gives up the rest") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000), world.file("b", 10'000'000)};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.progress().files_transferred == 1);
  REQUIRE(job.complete());
  world.run();
  CHECK(job.state() == completed);
  CHECK(world.contents("a") == test::content(1000));
  CHECK_FALSE(world.contents("b"));
  CHECK(world.temporary_files() == 0);
}

TEST_CASE("T24, 4.7: cancel deletes every temporary file, also those of finished files") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000), world.file("b", 10'000'000)};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run_for(100ms);
  REQUIRE(world.temporary_files() == 2);
  REQUIRE(job.cancel());
  CHECK(job.state() == cancelled);
  world.run();
  CHECK(world.temporary_files() == 0);
  CHECK_FALSE(world.contents("a"));
  CHECK_FALSE(world.queue->find(job.id()));
}

TEST_CASE("T30: a full disk holds the job without spending its budget, and lets it go on when there is room") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  job.configure([](JobOptions& options) { options.no_progress_timeout = 1s; });
  for (int i = 0; i < 5; ++i) {
    Incident full;
    full.refuse = Error(std::make_error_code(std::errc::no_space_on_device), ErrorContext::local_file, "/files");
    world.transport->incidents.push_back(full);
  }
  job.resume();
  world.run_for(15s);
  CHECK(job.state() == transient_error);
  CHECK(job.waiting().reason == WaitReason::disk_space);
  CHECK(job.error_count() == 0);
  world.run();
  CHECK(job.state() == transferred);
}

TEST_CASE("T32: a resource that changes starts again and the job goes on") {
  World world;
  world.start();
  Job job = world.add("a", 1'000'000);
  world.transport->incidents.push_back(cut(500'000));
  job.resume();
  world.run_for(100ms);
  world.resource("a").content = test::content(1'000'000, 5);
  world.resource("a").validator = "\"v5\"";
  world.run();
  CHECK(job.state() == transferred);
}

TEST_CASE("T34: a change of priority schedules the job anew") {
  World world;
  world.start();
  Job a = world.add("a", 10'000'000);
  Job b = world.add("b", 10'000'000);
  a.resume();
  b.resume();
  world.run_for(50ms);
  a.set_priority(Priority::low);
  world.run_ready();
  CHECK(a.state() == queued);
  CHECK(is_running(b.state()));
}

TEST_CASE("T35: after a restart active jobs are queued and the others are where they were") {
  World world;
  world.start();
  Job active = world.add("active", 20'000'000);
  Job idle = world.add("idle", 10);
  Job failed = world.add("failed", 10);
  Job done = world.add("done", 10);
  world.transport->resources.erase("http://server/failed");
  done.resume();
  failed.resume();
  world.run();
  active.resume();
  world.run_for(100ms);
  const std::vector<JobId> ids = {active.id(), idle.id(), failed.id(), done.id()};
  world.crash();

  TransferQueue& queue = world.start();
  REQUIRE(queue.jobs().size() == 4);
  CHECK(is_active(queue.find(ids[0])->state()));
  CHECK(queue.find(ids[1])->state() == suspended);
  CHECK(queue.find(ids[2])->state() == error);
  CHECK(queue.find(ids[2])->error()->code() == http_status(404));
  CHECK(queue.find(ids[3])->state() == transferred);
  world.run();
  CHECK(queue.find(ids[0])->state() == transferred);
}

TEST_CASE(
    "T33: a request with a method of its own that fails is an error at once, and begins anew when it is resumed") {
  World world;
  world.start();
  Job job = world.add("a", 300'000);
  REQUIRE(job.configure([](JobOptions& options) { options.http.method = "POST"; }));
  world.transport->incidents.push_back(cut(100'000));
  job.resume();
  world.run();
  CHECK(world.states(job) == std::vector{queued, connecting, transferring, error});
  CHECK(job.error_count() == 1);
  CHECK(world.count<JobFailed>(job) == 1);
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  CHECK(job.bytes_received() == 400'000);
}

TEST_CASE("T18, T28: the table has the rows of what is still to come") {
  CHECK(next_state(transferring, Stimulus::owner_left) == queued);
  CHECK_FALSE(next_state(queued, Stimulus::too_long));
  CHECK(next_state(transferred, Stimulus::rejected) == error);
  CHECK(next_state(transferred, Stimulus::rejected_from_peer) == queued);
  CHECK(next_state(transient_error, Stimulus::identity_missing) == error);
  CHECK(next_state(transferring, Stimulus::requested_ranges_done) == suspended);
}

TEST_CASE("final states never change") {
  for (const detail::Transition& row : detail::transitions()) {
    CAPTURE(row.row);
    CHECK_FALSE(next_state(completed, row.stimulus));
    CHECK_FALSE(next_state(cancelled, row.stimulus));
  }
}
