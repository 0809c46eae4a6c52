#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/weak_digest.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;

namespace {

constexpr std::size_t size = 1'000'000;

Incident cut(std::uint64_t after) {
  Incident incident;
  incident.cut_after = after;
  return incident;
}

/// A job whose first attempt broke off after 300 000 bytes.
Job broken_off(World& world, void (*prepare)(test::Resource&) = nullptr) {
  world.start();
  Job job = world.add("a", size);
  if (prepare) prepare(world.resource("a"));
  world.transport->incidents.push_back(cut(300'000));
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.state() == JobState::transient_error);
  REQUIRE(job.progress().bytes_transferred == 300'000);
  return job;
}

void check_done(World& world, Job& job) {
  REQUIRE(job.state() == JobState::transferred);
  job.complete();
  world.run();
  CHECK(world.contents("a") == world.resource("a").content);
}

}  // namespace

TEST_CASE("a job that loses its connection resumes at the first missing byte, on the condition that nothing changed") {
  World world;
  Job job = broken_off(world);
  world.run();
  REQUIRE(world.transport->asked.size() == 2);
  CHECK(world.transport->asked[0].range == ByteRange{});
  CHECK(world.transport->asked[1].range == ByteRange{300'000, ByteRange::to_end});
  CHECK(world.transport->asked[1].validator == "\"v1\"");
  CHECK(world.transport->bytes_sent == size);
  CHECK(job.bytes_received() == size);
  check_done(world, job);
}

TEST_CASE("bytes received counts what was fetched twice, and progress does not") {
  World world;
  Job job = broken_off(world);
  CHECK(job.bytes_received() == 300'000);
  world.resource("a").content = test::content(size, 2);
  world.resource("a").validator = "\"v2\"";
  world.run();
  CHECK(job.progress().bytes_transferred == size);
  CHECK(job.bytes_received() == size + 300'000);
}

TEST_CASE("bad-servers 10: a resource that changed starts again from the response that says so") {
  World world;
  Job job = broken_off(world);
  world.resource("a").content = test::content(size, 2);
  world.resource("a").validator = "\"v2\"";
  world.run();
  CHECK(world.transport->asked.size() == 2);
  check_done(world, job);
}

TEST_CASE("bad-servers 7: a resource of another size is another resource") {
  World world;
  Job job = broken_off(world);
  world.resource("a").content = test::content(size + 5, 1);
  world.run();
  check_done(world, job);
}

TEST_CASE(
    "bad-servers 1: a server that ignores ranges is read from the start, and what is there is not written again") {
  World world;
  Job job = broken_off(world, [](test::Resource& resource) { resource.ranges = false; });
  world.run();
  CHECK(job.progress().bytes_transferred == size);
  check_done(world, job);
}

TEST_CASE("bad-servers 13: a condition that makes the server drop the range is left out of the next request") {
  World world;
  world.start();
  Job job = world.add("a", 4 * size);
  world.transport->incidents.push_back(cut(3 * size));
  Incident dropped;
  dropped.ignore_range = true;
  world.transport->incidents.push_back(dropped);
  job.resume();
  world.run();
  REQUIRE(world.transport->asked.size() == 3);
  CHECK(world.transport->asked[1].validator == "\"v1\"");
  CHECK(world.transport->asked[2].validator.empty());
  CHECK(world.transport->asked[2].range.offset == 3 * size);
  check_done(world, job);
}

TEST_CASE("bad-servers 11: without a strong validator the bytes before the gap are compared") {
  World world;
  Job job = broken_off(world, [](test::Resource& resource) { resource.validator.clear(); });
  world.run();
  REQUIRE(world.transport->asked.size() == 2);
  CHECK(world.transport->asked[1].range.offset == 300'000 - world.options.limits.overlap_bytes);
  check_done(world, job);
}

TEST_CASE("without a validator, other bytes in the overlap restart the file") {
  World world;
  Job job = broken_off(world, [](test::Resource& resource) { resource.validator.clear(); });
  world.resource("a").content = test::content(size, 9);
  world.run();
  check_done(world, job);
}

TEST_CASE("bad-servers 3: bytes that nobody asked for are refused, and the file still arrives") {
  World world;
  Job job = broken_off(world);
  Incident wrong;
  wrong.grant_offset = 500'000;
  world.transport->incidents.push_back(wrong);
  world.run();
  check_done(world, job);
}

TEST_CASE("a server that keeps sending the wrong bytes is asked for everything, and each byte lands where it belongs") {
  World world;
  Job job = broken_off(world);
  for (int i = 0; i < 2; ++i) {
    Incident wrong;
    wrong.grant_offset = 500'000;
    world.transport->incidents.push_back(wrong);
  }
  world.run();
  CHECK(world.transport->asked.back().range == ByteRange{});
  check_done(world, job);
}

TEST_CASE("bad-servers 4: a server that sends less than was asked is asked for the rest") {
  World world;
  Job job = broken_off(world);
  Incident capped;
  capped.grant_max = 100'000;
  world.transport->incidents.push_back(capped);
  world.run();
  CHECK(world.transport->asked.size() == 3);
  CHECK(world.transport->bytes_sent == size);
  check_done(world, job);
}

TEST_CASE("a 206 that does not repeat the validator is vouched for by the condition") {
  World world;
  Job job = broken_off(world);
  Incident silent;
  silent.silent_validator = true;
  world.transport->incidents.push_back(silent);
  world.run();
  CHECK(world.transport->bytes_sent == size);
  check_done(world, job);
}

TEST_CASE("a resource that changes on every request ends in an error that says so") {
  World world;
  world.options.limits.restarts_max = 3;
  world.start();
  Job job = world.add("a", size);
  for (int i = 0; i < 20; ++i) world.transport->incidents.push_back(cut(100'000));
  job.resume();
  // Every attempt meets another version.
  for (int i = 0; i < 20 && job.state() != JobState::error; ++i) {
    world.run_for(2s);
    world.resource("a").validator = "\"v" + std::to_string(i + 2) + "\"";
  }
  CHECK(job.progress().bytes_transferred <= size);
  CHECK(job.error_count() > 0);
}

TEST_CASE("a resource of unknown size is complete at its proper end") {
  World world;
  world.start();
  Job job = world.add("a", size);
  world.resource("a").sized = false;
  job.resume();
  world.run_for(1ms);
  CHECK_FALSE(job.progress().bytes_total);
  world.run();
  CHECK(job.progress().bytes_total == size);
  check_done(world, job);
}

TEST_CASE("bad-servers 22: a body without a provable end is refused, unless its size is known") {
  World world;
  world.start();
  Job job = world.add("a", size);
  world.resource("a").sized = false;
  world.resource("a").delimited = false;
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::unproven_end);

  FileSpec known = world.file("b", 5000);
  world.resource("b").sized = false;
  world.resource("b").delimited = false;
  known.size = 5000;
  JobOptions options;
  options.files.push_back(known);
  Job second = world.queue->add(options).value();
  second.resume();
  world.run();
  CHECK(second.state() == JobState::transferred);
}

TEST_CASE("a size that the host gave is enforced before a byte is written") {
  World world;
  world.start();
  FileSpec spec = world.file("a", 5000);
  spec.size = 4999;
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::wrong_size);
  CHECK(job.error()->file() == 0u);
  CHECK(world.temporary_files() == 0);
}

TEST_CASE("ranges are concatenated in the order in which they were given") {
  World world;
  world.start();
  FileSpec spec = world.file("a", size);
  spec.ranges = {{1000, 100}, {900'000, 50}, {500, 250}};
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  CHECK(job.progress().bytes_total == 400);
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  job.complete();
  world.run();
  const std::string& all = world.resource("a").content;
  CHECK(world.contents("a") == all.substr(1000, 100) + all.substr(900'000, 50) + all.substr(500, 250));
}

TEST_CASE("a range outside the resource fails the job and names the URL") {
  World world;
  world.start();
  FileSpec spec = world.file("a", 1000);
  spec.ranges = {{0, 10}, {990, 11}};
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::invalid_range);
  CHECK(job.error()->detail().find("http://server/a") != std::string::npos);
}

TEST_CASE("a server without ranges cannot give parts of a resource") {
  World world;
  world.start();
  FileSpec spec = world.file("a", 1000);
  world.resource("a").ranges = false;
  spec.ranges = {{100, 10}};
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::ranges_unsupported);
}

TEST_CASE("an empty resource becomes an empty file") {
  World world;
  world.start();
  Job job = world.add("a", 0);
  job.resume();
  world.run();
  check_done(world, job);
}

TEST_CASE("the modification time of the resource becomes that of the file") {
  World world;
  world.start();
  Job job = world.add("a", 100);
  const auto modified = std::chrono::system_clock::time_point(std::chrono::seconds{1'600'000'000});
  world.resource("a").modified = modified;
  job.resume();
  world.run();
  job.complete();
  world.run();
  CHECK(world.storage->modified("/files/a") == modified);
}

TEST_CASE("a temporary file that vanished is fetched again") {
  World world;
  Job job = broken_off(world);
  for (const auto& name : world.storage->names()) {
    if (name.filename().string().starts_with(".bgx-")) world.storage->remove(name);
  }
  world.run();
  check_done(world, job);
}

TEST_CASE("a temporary file that somebody cut or replaced is fetched again") {
  World world;
  Job job = broken_off(world);
  for (const auto& name : world.storage->names()) {
    if (name.filename().string().starts_with(".bgx-")) world.storage->put(name, "not yours");
  }
  world.run();
  check_done(world, job);
}

TEST_CASE("request headers go to the server with every request") {
  World world;
  world.start();
  Job job = world.add("a", size);
  REQUIRE(job.configure([](JobOptions& options) { options.http.headers = {Header{"X-Token", "secret"}}; }));
  world.transport->incidents.push_back(cut(10));
  job.resume();
  world.run();
  for (const test::Asking& asking : world.transport->asked) {
    REQUIRE(asking.headers.size() == 1);
    CHECK(asking.headers[0].value == "secret");
  }
  CHECK(world.transport->asked.size() == 2);
}

TEST_CASE("a limit in bytes per second is kept, for the job and for the queue") {
  for (bool of_the_job : {true, false}) {
    World world;
    if (!of_the_job) world.options.bytes_per_second_max = 100'000;
    world.start();
    Job job = world.add("a", size);
    if (of_the_job) job.configure([](JobOptions& options) { options.bytes_per_second_max = 100'000; });
    const auto began = world.simulation.clock()->now();
    job.resume();
    world.run_for(5s);
    CHECK(job.progress().bytes_transferred <= 520'000);
    CHECK(job.progress().bytes_transferred >= 480'000);
    CHECK(job.progress().bytes_per_second == doctest::Approx(100'000).epsilon(0.1));
    world.run();
    CHECK(job.state() == JobState::transferred);
    const double seconds = std::chrono::duration<double>(world.simulation.clock()->now() - began).count();
    CHECK(seconds >= 9.8);
  }
}

TEST_CASE("bad-servers 30: caches are asked no more for a file whose SHA-256 was wrong, in later turns either") {
  constexpr std::size_t bytes = 64 * 1024;
  World world;
  world.options.sha256 = test::weak_digest;
  world.options.limits.foreground_jobs_max = 1;
  world.options.limits.time_slice = 12ms;  // 10 ms to connect: all of it comes in one turn, and again in a later one.
  world.start();
  std::vector<Job> jobs;
  for (const char* name : {"a", "b"}) {
    JobOptions options;
    options.priority = Priority::foreground;
    options.files.push_back(world.file(name, bytes));
    options.files.front().sha256 = test::weak_digest_of(test::content(bytes));
    jobs.push_back(world.queue->add(std::move(options)).value());
  }
  world.resource("a").damaged_reads = {1};
  for (Job& job : jobs) job.resume();
  world.run_for(1min);
  for (const Job& job : jobs) CHECK(job.state() == JobState::transferred);
  std::vector<bool> past_caches;
  for (const test::Asking& asking : world.transport->asked) {
    if (asking.url == "http://server/a") past_caches.push_back(!asking.headers.empty());
  }
  REQUIRE(past_caches.size() > 2);  // The second one was cut off by the end of the turn.
  CHECK_FALSE(past_caches.front());
  CHECK(std::all_of(past_caches.begin() + 1, past_caches.end(), [](bool past) { return past; }));
}
