// What a sync of finished files may claim, and what becomes of a job when one fails.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "support/slow_disk.hpp"
#include "support/waiting.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::report_of;
using test::wait_for;
using test::World;

namespace {

/// Finished files are synced soon, and for long.
struct SlowWorld : World {
  SlowWorld() {
    disk = std::make_shared<test::SlowDisk>(storage, simulation.clock());
    disk->sync_delay = 10s;
    options.storage = disk;
    options.limits.checkpoint_interval = 50ms;
    start();
  }

  /// A job whose first file has arrived and is being synced, while the second arrives.
  Job job_under_sync() {
    JobOptions job;
    job.files = {file("a", 1000), file("b", 20'000'000)};
    Job added = queue->add(std::move(job)).value();
    added.resume();
    run_for(100ms);
    REQUIRE(added.state() == JobState::transferring);
    REQUIRE(added.files()[0].progress().transferred);
    REQUIRE(disk->syncs == 1);
    return added;
  }

  std::shared_ptr<test::SlowDisk> disk;
};

}  // namespace

TEST_CASE("a sync claims nothing of a file that was fetched afresh while it ran") {
  SlowWorld world;
  Job job = world.job_under_sync();
  File a = job.files()[0];
  REQUIRE(a.set_validation_state(false));
  REQUIRE_FALSE(a.progress().transferred);
  job.resume();
  world.run_for(100ms);
  REQUIRE(a.progress().transferred);
  job.suspend();
  world.run();
  CHECK(world.disk->syncs == 2);
}

TEST_CASE("a process that dies in the middle of a sync fetches again what was being synced, and nothing else") {
  SlowWorld world;
  Job job = world.job_under_sync();
  const std::uint64_t b = job.files()[1].progress().bytes_transferred;
  REQUIRE(b > 1'000'000);
  world.crash();
  world.start();
  const Result<RestoreReport> report = report_of(world);
  REQUIRE(report);
  const auto of_a = [](const BytesLost& lost) { return lost.file == FileIndex{0}; };
  CHECK(std::count_if(report->lost.begin(), report->lost.end(), of_a) == 1);
  Job again = world.queue->jobs().front();
  CHECK_FALSE(again.files()[0].progress().transferred);
  CHECK(again.files()[0].progress().bytes_transferred == 0);
  const std::uint64_t spare = world.options.limits.claim_bytes + world.options.chunk_bytes;
  CHECK(again.files()[1].progress().bytes_transferred + spare >= b);
  CHECK(again.files()[1].progress().bytes_transferred > 0);

  // What was forgotten stays so in every later run, and is not forgotten twice.
  world.crash();
  world.start();
  const Result<RestoreReport> later = report_of(world);
  REQUIRE(later);
  CHECK(std::none_of(later->lost.begin(), later->lost.end(), of_a));
  world.run();
  REQUIRE(world.queue->jobs().front().state() == JobState::transferred);
  REQUIRE(world.queue->jobs().front().complete());
  world.run();
  CHECK(world.contents("a") == test::content(1000));
}

TEST_CASE("a process that dies after a sync, or whose queue ends in the middle of one, has nothing to fetch again") {
  for (const std::string end : {"crash", "close", "destroy", "destroy with a journal that is slow"}) {
    CAPTURE(end);
    SlowWorld world;
    Job job = world.job_under_sync();
    if (end == "crash") job.suspend();
    if (end == "close") world.queue->close();
    if (end == "destroy with a journal that is slow") {
      world.disk->delay = 15s;
      world.add("another", 10);
      world.run_for(1s);
    }
    if (end.starts_with("destroy")) world.queue.reset();
    world.run_for(100s);
    world.crash();
    world.disk->delay = 0s;
    world.start();
    const Result<RestoreReport> report = report_of(world);
    REQUIRE(report);
    CHECK(report->lost.empty());
    CHECK(world.queue->jobs().front().files()[0].progress().transferred);
  }
}

TEST_CASE("nothing is synced before the journal says so") {
  SlowWorld world;
  world.disk->sync_delay = 0s;
  Job job = world.add("a", 1000);
  world.run_ready();
  job.resume();
  world.run_for(5ms);
  world.disk->delay = 3s;
  world.run_for(2900ms);
  CHECK(job.files()[0].progress().transferred);
  CHECK(world.disk->syncs == 0);
  CHECK(job.state() == JobState::transferring);
  world.run();
  CHECK(world.disk->syncs > 0);
  CHECK(job.state() == JobState::transferred);
}

TEST_CASE("a file that is lost while its job is completed is not left out in silence") {
  SlowWorld world;
  world.disk->failing_sync = 1;
  Job job = world.job_under_sync();
  REQUIRE(job.complete());
  const test::Waited completed = wait_for(world, job, &Job::completed);
  REQUIRE(completed->has_value());
  REQUIRE_FALSE((*completed)->has_value());
  CHECK((*completed)->error().code() == std::errc::io_error);
  CHECK_FALSE(world.contents("a"));

  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  REQUIRE(job.complete());
  world.run();
  CHECK(world.contents("a") == test::content(1000));
}

TEST_CASE("a storage that throws has failed: the file is fetched again, and nothing stands still") {
  SlowWorld world;
  world.options.limits.checkpoint_interval = 1s;
  Job job = world.add("a", 1000);
  job.resume();
  world.run_for(15ms);
  world.disk->throws = true;  // The sync before the job is transferred.
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(job) + world.count<JobFailed>(job) <= 1);

  world.disk->throws = true;  // The commit.
  REQUIRE(job.complete());
  const test::Waited completed = wait_for(world, job, &Job::completed);
  REQUIRE(completed->has_value());
  REQUIRE_FALSE((*completed)->has_value());
  CHECK((*completed)->error().message().find("the disk is gone") != std::string::npos);
  REQUIRE(job.complete());
  world.run();
  CHECK(world.contents("a") == test::content(1000));

  Job cancelled = world.add("b", 1000);
  world.disk->throws = true;  // The discard.
  REQUIRE(cancelled.cancel());
  world.run();
  CHECK(world.queue->jobs().empty());
}
