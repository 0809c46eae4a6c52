// Several connections and several sources for one file, in virtual time.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <bgxfer/testing/faulty_storage.hpp>

#include "support/weak_digest.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;

namespace {

constexpr std::size_t size = 4 * 1024 * 1024;
constexpr std::uint64_t piece_bytes = 256 * 1024;

/// A world whose server sends 64 KiB a millisecond on each connection.
struct Several : World {
  Several() {
    options.sha256 = test::weak_digest;
    options.limits.slice_bytes_min = 64 * 1024;
    start();
  }

  FileSpec mirrored(std::size_t mirrors) {
    FileSpec spec = file("a", size);
    for (std::size_t i = 0; i < mirrors; ++i) {
      spec.mirrors.push_back("http://mirror" + std::to_string(i) + "/a");
      transport->resources[spec.mirrors.back()] = resource("a");
      transport->resources[spec.mirrors.back()].validator = "\"mirror " + std::to_string(i) + '"';
    }
    return spec;
  }

  Job run_job(FileSpec spec, std::uint32_t connections) {
    Job job = add_job(std::move(spec), connections);
    job.resume();
    run();
    return job;
  }

  Job run_job_for(Clock::Duration time, FileSpec spec, std::uint32_t connections) {
    Job job = add_job(std::move(spec), connections);
    job.resume();
    run_for(time);
    return job;
  }

  Job add_job(FileSpec spec, std::uint32_t connections) {
    JobOptions job;
    job.connections_per_file = connections;
    job.files.push_back(std::move(spec));
    return queue->add(std::move(job)).value();
  }

  test::Resource& mirror(std::size_t i) { return transport->resources.at("http://mirror" + std::to_string(i) + "/a"); }

  std::size_t asked_of(const std::string& host) const {
    return static_cast<std::size_t>(
        std::count_if(transport->asked.begin(), transport->asked.end(),
                      [&](const test::Asking& it) { return it.url.starts_with("http://" + host + '/'); }));
  }

  void check_done(Job& job, const std::string& wanted) {
    REQUIRE(job.state() == JobState::transferred);
    job.complete();
    run();
    CHECK(contents("a") == wanted);
    CHECK(temporary_files() == 0);
  }
};

Incident cut_after(std::uint64_t bytes) {
  Incident cut;
  cut.cut_after = bytes;
  return cut;
}

FileSpec with_pieces(FileSpec spec, const std::string& content) {
  return test::in_pieces(std::move(spec), content, piece_bytes);
}

void damage(test::Resource& at, std::initializer_list<std::size_t> pieces) {
  for (const std::size_t index : pieces) at.content[index * piece_bytes] ^= 1;
}

Clock::Duration elapsed(const World& world, Clock::TimePoint since) { return world.options.clock->now() - since; }

}  // namespace

TEST_CASE("several connections share a file, and fetch no byte twice") {
  Several world;
  const std::string wanted = test::content(size);
  Job job = world.run_job(world.file("a", size), 4);
  CHECK(world.transport->in_flight_max == 4);
  // Whoever hands over a rest may have one chunk on its way.
  CHECK(world.transport->bytes_sent <= size + 8 * 64 * 1024);
  CHECK(job.progress().bytes_transferred == size);
  world.check_done(job, wanted);
}

TEST_CASE("four connections are nearly four times as fast as one") {
  Clock::Duration alone{};
  Clock::Duration together{};
  for (std::uint32_t connections : {1u, 4u}) {
    Several world;
    const FileSpec spec = world.file("a", 16 * size);
    const Clock::TimePoint began = world.options.clock->now();
    Job job = world.add_job(spec, connections);
    job.resume();
    while (job.state() != JobState::transferred) world.run_for(1ms);
    (connections == 1 ? alone : together) = elapsed(world, began);
  }
  CHECK(together * 33 < alone * 10);
}

TEST_CASE("nothing that tells versions apart: one connection") {
  Several world;
  const FileSpec spec = world.file("a", size);
  world.resource("a").validator.clear();
  Job job = world.run_job(spec, 8);
  CHECK(world.transport->in_flight_max == 1);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("without a validator the host's SHA-256 tells versions apart") {
  Several world;
  FileSpec spec = world.file("a", size);
  spec.sha256 = test::weak_digest_of(world.resource("a").content);
  world.resource("a").validator.clear();
  Job job = world.run_job(spec, 8);
  CHECK(world.transport->in_flight_max > 4);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("a small file takes one connection, however many are allowed") {
  Several world;
  Job job = world.run_job(world.file("a", 100'000), 8);
  CHECK(world.transport->in_flight_max == 1);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("a server that ignores ranges is read over one connection") {
  Several world;
  const FileSpec spec = world.file("a", size);
  world.resource("a").ranges = false;
  Job job = world.run_job(spec, 4);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("a connection that is a hundred times slower than the others is relieved, not waited for") {
  Several fast;
  const FileSpec spec = fast.file("a", 16 * size);
  Clock::TimePoint began = fast.options.clock->now();
  Job even = fast.add_job(spec, 8);
  even.resume();
  while (even.state() != JobState::transferred) fast.run_for(1ms);
  const Clock::Duration usual = elapsed(fast, began);

  Several world;
  world.file("a", 16 * size);
  for (int i = 0; i < 3; ++i) world.transport->incidents.emplace_back();
  world.transport->incidents[2].read_time = 100ms;
  began = world.options.clock->now();
  Job job = world.add_job(spec, 8);
  job.resume();
  while (job.state() != JobState::transferred) world.run_for(1ms);
  CHECK(elapsed(world, began) < usual * 14 / 10);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("bad-servers 58: a server that turns down one connection too many is asked over those that work") {
  Several world;
  const FileSpec spec = world.file("a", size);
  world.resource("a").connections_max = 2;
  Job job = world.run_job(spec, 8);
  CHECK(world.transport->in_flight_max == 2);
  CHECK(world.asked_of("server") < 16);
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("a connection that breaks off is replaced while others work, and the job does not hear of it") {
  Several world;
  const FileSpec spec = world.file("a", size);
  for (int i = 0; i < 4; ++i) world.transport->incidents.emplace_back();
  world.transport->incidents[3].cut_after = 128 * 1024;
  Job job = world.run_job(spec, 4);
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE(
    "bad-servers 10: a resource that changes under several connections starts again, and no version is mixed with "
    "another") {
  Several world;
  Job job = world.run_job_for(25ms, world.file("a", size), 4);
  REQUIRE(job.progress().bytes_transferred > 0);
  world.resource("a").content = test::content(size, 2);
  world.resource("a").validator = "\"v2\"";
  job.suspend();
  world.run();
  job.resume();
  world.run();
  world.check_done(job, test::content(size, 2));
}

TEST_CASE("a resource that changes between two requests of one turn starts again") {
  Several world;
  const FileSpec spec = world.file("a", size);
  for (int i = 0; i < 2; ++i) world.transport->incidents.emplace_back();
  world.transport->incidents[1].cut_after = 64 * 1024;  // Its replacement meets the new version.
  Job job = world.run_job_for(21ms, spec, 2);
  world.resource("a").content = test::content(size, 2);
  world.resource("a").validator = "\"v2\"";
  world.run();
  world.check_done(job, test::content(size, 2));
}

TEST_CASE("suspended in the middle, every byte of every connection is kept") {
  Several world;
  Job job = world.run_job_for(24ms, world.file("a", size), 4);
  job.suspend();
  world.run();
  const std::uint64_t kept = job.progress().bytes_transferred;
  CHECK(kept > 4 * 64 * 1024);
  CHECK(job.bytes_received() == kept);
  CHECK(job.files().front().arrived().size() == 4);
  CHECK(job.files().front().connections().empty());
  job.resume();
  world.run();
  CHECK(job.bytes_received() <= size + 8 * 64 * 1024);
  world.check_done(job, world.resource("a").content);
}

TEST_CASE("after a crash the gaps of several connections are filled, and nothing else is fetched") {
  Several world;
  world.options.limits.claim_bytes = 64 * 1024;
  world.stop();
  world.start();
  Job job = world.run_job_for(30ms, world.file("a", size), 4);
  const std::uint64_t kept = job.progress().bytes_transferred;
  REQUIRE(kept > 0);
  world.crash();
  world.transport->bytes_sent = 0;
  world.start();
  world.run();
  Job again = world.queue->jobs().front();
  CHECK(world.transport->bytes_sent <= size - kept + 12 * 64 * 1024);
  world.check_done(again, world.resource("a").content);
}

TEST_CASE("the host sees which connection brings what") {
  Several world;
  Job job = world.run_job_for(40ms, world.mirrored(1), 4);
  const std::vector<FileConnection> connections = job.files().front().connections();
  CHECK(connections.size() == 4);
  std::set<std::string> urls;
  for (const FileConnection& one : connections) urls.insert(one.url);
  CHECK(urls.size() == 2);
  world.run();
}

TEST_CASE("bad-servers 38: a file that its URL does not have comes from a mirror") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = world.mirrored(2);
    const std::string wanted = world.resource("a").content;
    world.transport->resources.erase(spec.url);
    world.transport->resources.erase(spec.mirrors[0]);
    Job job = world.run_job(spec, connections);
    CHECK(world.count<AttemptFailed>(job) == 0);
    world.check_done(job, wanted);
  }
}

TEST_CASE("a file that nobody has is an error of its URL") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  world.transport->resources.clear();
  Job job = world.run_job(spec, 4);
  REQUIRE(job.state() == JobState::error);
  CHECK(job.error()->code() == http_status(404));
  CHECK(job.error()->detail().find("server") != std::string::npos);
}

TEST_CASE("a job waits if one of its sources may come back") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  world.transport->resources.erase(spec.url);
  world.mirror(0).connections_max = 0;
  Job job = world.run_job_for(500ms, spec, 4);
  CHECK(job.state() == JobState::transient_error);
  world.mirror(0).connections_max = 4;
  world.run();
  world.check_done(job, test::content(size));
}

TEST_CASE("mirrors share a file, each by its speed") {
  Several world;
  const FileSpec spec = world.mirrored(2);
  world.mirror(0).read_time = 2ms;
  world.mirror(1).read_time = 4ms;
  Job job = world.run_job(spec, 3);
  for (const char* host : {"server", "mirror0", "mirror1"}) CHECK(world.asked_of(host) > 0);
  CHECK(world.transport->bytes_sent <= size + 12 * 64 * 1024);
  world.check_done(job, test::content(size));
}

TEST_CASE("a mirror that has another file is found out by its size, or by bytes that are compared, and not used") {
  for (bool other_size : {true, false}) {
    CAPTURE(other_size);
    Several world;
    const FileSpec spec = world.mirrored(1);
    world.mirror(0).content = test::content(other_size ? size + 1 : size, 9);
    Job job = world.run_job(spec, 4);
    CHECK(world.asked_of("mirror0") == 1);
    CHECK(world.count<AttemptFailed>(job) == 0);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("a mirror that tells no version is compared each time, for it may have another one by now") {
  Several world;
  FileSpec spec = world.mirrored(1);
  const std::string wanted = world.resource("a").content;
  spec.ranges = {{1024 * 1024, 64 * 1024}, {0, 64 * 1024}};
  for (test::Resource* resource : {&world.resource("a"), &world.mirror(0)}) resource->validator.clear();
  Job job = world.add_job(spec, 1);
  world.transport->incidents.push_back(cut_after(32 * 1024));
  job.resume();
  // The URL is gone once the first bytes are here, and the mirror has another file once it has been compared.
  while (job.progress().bytes_transferred == 0) world.run_for(1ms);
  world.transport->resources.erase(spec.url);
  while (world.asked_of("mirror0") < 2) world.run_for(1ms);
  world.mirror(0).content = test::content(size, 2);
  world.run_for(1h);
  CHECK(job.state() != JobState::transferred);
}

TEST_CASE("a URL that is gone is not asked again and again because its mirror cannot be proven") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    FileSpec spec = world.mirrored(1);
    spec.ranges = {{0, 256 * 1024}, {1024 * 1024, 256 * 1024}};
    spec.placed_at = {0, 1024 * 1024};  // With a hole, bytes of which prove nothing.
    for (test::Resource* resource : {&world.resource("a"), &world.mirror(0)}) resource->validator.clear();
    Job job = world.add_job(spec, connections);
    world.transport->incidents.push_back(cut_after(64 * 1024));
    job.resume();
    while (job.progress().bytes_transferred == 0) world.run_for(1ms);
    world.transport->resources.erase(spec.url);
    world.run_for(10s);
    CHECK(world.asked_of("server") < 5);
    REQUIRE(job.state() == JobState::error);
    CHECK(job.error()->code() == http_status(404));
  }
}

TEST_CASE("a file with a hole that began with a mirror goes on with its URL, by bytes that are compared") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    FileSpec spec = world.mirrored(1);
    spec.ranges = {{0, 256 * 1024}};
    spec.placed_at = {64 * 1024};  // The hole comes first, and is joined to what has arrived.
    world.transport->dead_hosts.insert("http://server");
    Job job = world.add_job(spec, connections);
    world.transport->incidents.push_back(cut_after(128 * 1024));
    job.resume();
    while (job.progress().bytes_transferred == 0) world.run_for(1ms);
    world.transport->resources.erase(spec.mirrors[0]);
    world.transport->dead_hosts.clear();
    world.run_for(1h);
    world.check_done(job, std::string(64 * 1024, '\0') + world.resource("a").content.substr(0, 256 * 1024));
    CHECK(world.count<AttemptFailed>(job) <= 1);
  }
}

TEST_CASE("the URL decides what the file is: begun with a mirror that differs, it starts again once the URL answers") {
  for (std::uint32_t connections : {1u, 4u}) {
    for (bool validators : {true, false}) {
      CAPTURE(connections);
      CAPTURE(validators);
      Several world;
      const FileSpec spec = world.mirrored(1);
      world.mirror(0).content = test::content(size, 9);
      if (!validators) {
        world.resource("a").validator.clear();
        world.mirror(0).validator.clear();
      }
      Incident refused;
      refused.refuse = Error(http_status(503), ErrorContext::remote_file, spec.url);
      Incident cut = cut_after(256 * 1024);
      world.transport->incidents = {refused, cut};
      Job job = world.add_job(spec, connections);
      job.resume();
      while (job.progress().bytes_transferred == 0) world.run_for(1ms);
      world.mirror(0).connections_max = 0;
      world.run();
      world.check_done(job, test::content(size));
    }
  }
}

TEST_CASE(
    "the URL decides what the file is: where it ends before the bytes that a mirror has brought, the file starts "
    "again") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  const std::string wanted = test::content(128 * 1024, 3);
  world.resource("a").content = wanted;
  world.resource("a").bounded = true;
  world.resource("a").sized = false;
  world.resource("a").delimited = true;
  Incident refused;
  refused.refuse = Error(http_status(503), ErrorContext::remote_file, spec.url);
  Incident cut = cut_after(256 * 1024);
  world.transport->incidents = {refused, cut};
  Job job = world.add_job(spec, 1);
  job.resume();
  while (job.progress().bytes_transferred == 0) world.run_for(1ms);
  world.mirror(0).connections_max = 0;
  world.run();
  world.check_done(job, wanted);
}

TEST_CASE("a mirror that differs is not asked after it, and is not waited for, where the URL has failed for good") {
  Several world;
  FileSpec spec = world.mirrored(1);
  Job job = world.add_job(spec, 1);
  world.transport->incidents.push_back(cut_after(256 * 1024));
  job.resume();
  while (job.progress().bytes_transferred == 0) world.run_for(1ms);
  world.transport->resources.erase(spec.url);
  world.mirror(0).content = test::content(size, 9);
  world.run_for(10s);
  REQUIRE(job.state() == JobState::error);
  CHECK(job.error()->code() == http_status(404));
  CHECK(world.asked_of("mirror0") == 1);
}

TEST_CASE("what a mirror calls its version is believed once the bytes of that response were compared, and not before") {
  Several world;
  FileSpec spec = world.mirrored(1);
  for (test::Resource* resource : {&world.resource("a"), &world.mirror(0)}) resource->validator.clear();
  Job job = world.add_job(spec, 1);
  Incident cut = cut_after(256 * 1024);
  Incident proof;
  Incident too_little;  // No more than what is compared: nothing of it is read.
  too_little.grant_max = 1024;
  world.transport->incidents = {cut, cut, cut, cut, proof, too_little};
  job.resume();
  while (job.progress().bytes_transferred == 0) world.run_for(1ms);
  world.transport->resources.erase(spec.url);
  while (world.asked_of("mirror0") < 2) world.run_for(1ms);
  world.mirror(0).content = test::content(size, 2);
  world.mirror(0).validator = "\"v2\"";
  world.run_for(1h);
  CHECK(job.state() != JobState::transferred);
}

TEST_CASE("a source that breaks off is asked for the rest before another one is") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  Incident cut = cut_after(256 * 1024);
  world.transport->incidents = {cut, cut, cut};
  Job job = world.run_job(spec, 1);
  CHECK(world.asked_of("server") == 4);
  CHECK(world.asked_of("mirror0") == 0);
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, test::content(size));
}

TEST_CASE("a source that breaks off for good is not asked for the rest, and nobody waits for it") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  Incident cut = cut_after(size / 2);
  cut.cut_with = Error(Errc::response_too_large, ErrorContext::remote_file, spec.url);
  world.transport->incidents.push_back(cut);
  Job job = world.run_job(spec, 1);
  CHECK(world.asked_of("server") == 1);
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, test::content(size));
}

TEST_CASE("a 416 that tells another size than the host gave is a wrong size, not a version that has changed") {
  Several world;
  FileSpec spec = world.file("a", size);
  spec.size = size + 1;
  world.resource("a").sized = false;
  world.resource("a").bounded = true;
  Job job = world.run_job(spec, 1);
  REQUIRE(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::wrong_size);
  CHECK(job.error()->detail().find(std::to_string(size) + " bytes instead of " + std::to_string(size + 1)) !=
        std::string::npos);
}

TEST_CASE(
    "bad-servers 9: where nothing but a 416 tells the end of the last range, the host's SHA-256 says whether it was "
    "one") {
  Several world;
  FileSpec spec = world.file("a", size);
  const std::string wanted = world.resource("a").content.substr(size / 2) + world.resource("a").content.substr(0, 1024);
  spec.ranges = {{size / 2, ByteRange::to_end}, {0, 1024}};
  spec.sha256 = test::weak_digest_of(wanted);
  world.resource("a").sized = false;
  world.resource("a").bounded = true;
  world.resource("a").validator.clear();
  Job job = world.run_job(spec, 2);
  world.check_done(job, wanted);
}

TEST_CASE("bad-servers 10: all of another version in place of a range of the file starts it again") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    FileSpec spec = world.file("a", size);
    spec.ranges = {{1024 * 1024, 512 * 1024}, {0, 512 * 1024}};
    Job job = world.run_job_for(14ms, spec, connections);
    REQUIRE(job.progress().bytes_transferred > 0);
    job.suspend();
    world.run();
    const std::string now = test::content(size, 2);
    world.resource("a").content = now;
    world.resource("a").validator = "\"v2\"";
    job.resume();
    world.run();
    world.check_done(job, now.substr(1024 * 1024, 512 * 1024) + now.substr(0, 512 * 1024));
  }
}

TEST_CASE("what nobody has to do anything about is looked at ever less often") {
  Several world;
  const FileSpec spec = world.file("a", size);
  world.resource("a").read_time = 1h;  // One connection, which is as slow as the next one would be.
  world.options.limits.slice_bytes_min = 2 * size;
  world.stop();
  world.start();
  Job job = world.run_job_for(1s, spec, 2);
  const std::uint64_t before = world.simulation.steps();
  world.run_for(30min);
  CHECK(world.simulation.steps() - before < 30 * 60);
  job.cancel();
  world.run();
}

TEST_CASE("a mirror that dies costs nothing but its share") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  Job job = world.run_job_for(40ms, spec, 4);
  world.transport->resources.erase(spec.mirrors[0]);
  world.run();
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, test::content(size));
}

TEST_CASE("a mirror whose rest is wrong is found out by the SHA-256, and its share alone fetched again") {
  Several world;
  FileSpec spec = world.mirrored(1);
  spec.sha256 = test::weak_digest_of(test::content(size));
  // Its beginning is right, so that it is believed.
  std::string& lie = world.mirror(0).content;
  for (std::size_t i = size / 3; i < lie.size(); ++i) lie[i] ^= 1;
  Job job = world.run_job(spec, 4);
  CHECK(world.transport->bytes_sent < 2 * size);
  world.check_done(job, test::content(size));
}

TEST_CASE(
    "a connection that is the last one at work ends where its share ends, though it was asked for all of the file") {
  Several world;
  const FileSpec spec = world.mirrored(1);
  world.resource("a").read_time = 1200us;
  Job job = world.run_job(spec, 2);
  CHECK(world.transport->bytes_sent <= size + 4 * 64 * 1024);
  world.check_done(job, test::content(size));
}

TEST_CASE("what is kept of a file whose mirror lied survives a power cut, like all that has arrived") {
  World world;
  const auto disk = std::make_shared<testing::FaultyStorage>(world.simulation.clock());
  world.options.storage = disk;
  world.options.sha256 = test::weak_digest;
  world.options.limits.slice_bytes_min = 64 * 1024;
  world.options.log = [&world](const LogEntry& entry) {
    if (entry.event == LogEvent::file_share_dropped) world.transport->dead_hosts.insert("http://server");
  };
  world.start();
  FileSpec spec = world.file("a", size);
  spec.sha256 = test::weak_digest_of(test::content(size));
  spec.mirrors = {"http://mirror/a"};
  test::Resource& mirror = world.transport->resources["http://mirror/a"];
  mirror = world.resource("a");
  for (std::size_t i = size / 3; i < size; ++i) mirror.content[i] ^= 1;
  JobOptions options;
  options.connections_per_file = 4;
  options.files.push_back(std::move(spec));
  Job job = world.queue->add(std::move(options)).value();
  job.resume();
  world.run_for(10s);
  const std::uint64_t kept = job.progress().bytes_transferred;
  REQUIRE(kept > 0);
  REQUIRE(kept < size);
  world.crash();
  disk->power_cut();
  world.start();
  CHECK(world.queue->jobs().front().progress().bytes_transferred == kept);
}

TEST_CASE("the SHA-256 is that of the bytes on disk, not of others that came in their place") {
  Several world;
  FileSpec spec = world.mirrored(1);
  spec.sha256 = test::weak_digest_of(test::content(size));
  std::string& lie = world.mirror(0).content;
  for (std::size_t i = size / 3; i < lie.size(); ++i) lie[i] ^= 1;
  world.resource("a").read_time = 1200us;
  Job job = world.run_job(spec, 2);
  world.check_done(job, test::content(size));
}

TEST_CASE("a wrong rest of a mirror is missing still, even if only the end of its body told the size") {
  Several world;
  FileSpec spec = world.mirrored(1);
  const std::string wanted = test::content(size);
  spec.sha256 = test::weak_digest_of(wanted);
  for (test::Resource* resource : {&world.resource("a"), &world.mirror(0)}) resource->sized = false;
  std::string& lie = world.mirror(0).content;
  for (std::size_t i = size / 3; i < lie.size(); ++i) lie[i] ^= 1;
  world.transport->incidents.push_back(cut_after(size / 4));
  Job job = world.run_job(spec, 1);
  world.check_done(job, wanted);
}

TEST_CASE("pieces: bytes count as arrived once their piece is verified") {
  Several world;
  const FileSpec spec = with_pieces(world.file("a", size), test::content(size));
  Job job = world.add_job(spec, 1);
  job.resume();
  world.run_for(16ms);  // 10 ms to connect, and then 64 KiB a millisecond at most.
  CHECK(job.progress().bytes_transferred % piece_bytes == 0);
  world.run();
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: what was damaged on the way is fetched again alone") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.file("a", size), test::content(size));
    world.resource("a").damaged_reads = {9};
    Job job = world.run_job(spec, connections);
    CHECK(world.transport->bytes_sent <= size + piece_bytes + 12 * 64 * 1024);
    CHECK(world.count<AttemptFailed>(job) == 0);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: what was damaged is missing still, even if only the end of the body told the size") {
  Several world;
  const std::string wanted = test::content(size);
  FileSpec spec = with_pieces(world.file("a", size), wanted);
  world.resource("a").sized = false;
  world.resource("a").damaged_reads = {5};
  Job job = world.run_job(spec, 1);
  world.check_done(job, wanted);
}

TEST_CASE("pieces: a mirror that lies is not asked again") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  world.mirror(0).content = test::content(size, 9);
  Job job = world.run_job(spec, 4);
  CHECK(world.asked_of("mirror0") <= 3);
  CHECK(world.count<AttemptFailed>(job) == 0);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: a job whose URL is gone and whose mirror lies ends its turn") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  world.mirror(0).content = test::content(size, 9);
  Job job = world.run_job_for(12ms, spec, 4);
  world.transport->resources.erase(spec.url);
  world.run_for(1h);
  CHECK(job.state() != JobState::transferred);
  CHECK(job.error().has_value());
}

TEST_CASE("pieces: a file whose piece is wrong everywhere never completes") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    for (std::string* content : {&world.resource("a").content, &world.mirror(0).content}) (*content)[size / 2] ^= 1;
    Job job = world.run_job(spec, connections);
    REQUIRE(job.state() == JobState::error);
    CHECK(job.error()->code() == Errc::checksum_mismatch);
    CHECK(job.error()->detail().find(std::to_string(size / 2)) != std::string::npos);
    // All but one piece are kept.
    CHECK(job.progress().bytes_transferred >= size - 4 * piece_bytes);
    world.resource("a").content = test::content(size);
    job.resume();
    world.run();
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: what was damaged on its way is fetched once more from where it came, whatever its mirror does") {
  enum class Mirror { refuses, has_nothing, is_silent };
  for (const Mirror mirror : {Mirror::refuses, Mirror::has_nothing, Mirror::is_silent}) {
    for (const std::uint32_t connections : {1u, 4u}) {
      CAPTURE(static_cast<int>(mirror));
      CAPTURE(connections);
      Several world;
      const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
      world.resource("a").damaged_reads = {1};
      if (mirror == Mirror::refuses) world.transport->dead_hosts = {"http://mirror0"};
      if (mirror == Mirror::has_nothing) world.transport->resources.erase(spec.mirrors.front());
      if (mirror == Mirror::is_silent) world.transport->silent_hosts = {"http://mirror0"};
      Job job = world.run_job_for(1h, spec, connections);
      world.check_done(job, test::content(size));
    }
  }
}

TEST_CASE("pieces: a file whose sources have different ones wrong is put together from both") {
  for (const std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    damage(world.resource("a"), {1, 4});
    damage(world.mirror(0), {0, 5, 6});
    Job job = world.run_job_for(1h, spec, connections);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: one that is damaged after caches were passed is fetched once more as well") {
  for (const std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    world.transport->resources.erase(spec.mirrors.front());
    world.transport->incidents.push_back(cut_after(2 * piece_bytes));
    world.resource("a").damaged_reads = {1, 13, 17, 30};
    Job job = world.run_job_for(1h, spec, connections);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: a source that had one wrong is asked for the rest where the other one has nothing any more") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  damage(world.resource("a"), {0});
  Incident gone;
  gone.refuse = Error(http_status(404), ErrorContext::remote_file, "gone");
  world.transport->incidents = {cut_after(2 * piece_bytes), Incident(), gone};
  Job job = world.run_job_for(1h, spec, 1);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: a silent mirror does not keep its URL from being asked, however short the turns are") {
  for (const bool wrong_for_good : {false, true}) {
    CAPTURE(wrong_for_good);
    Several world;
    world.stop();
    world.options.limits.foreground_jobs_max = 1;
    world.options.limits.time_slice = 20s;
    world.start();
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    if (wrong_for_good) {
      damage(world.resource("a"), {0});
    } else {
      world.resource("a").damaged_reads = {1};
    }
    world.transport->silent_hosts = {"http://mirror0"};
    JobOptions options;
    options.priority = Priority::foreground;
    options.files = {spec};
    Job job = world.queue->add(options).value();
    options.files = {world.file("b", size)};
    world.resource("b").read_time = 1min;
    Job other = world.queue->add(options).value();
    job.resume();
    other.resume();
    world.run_for(20min);
    CHECK(job.progress().bytes_transferred == (wrong_for_good ? size - piece_bytes : size));
    other.cancel();
    world.transport->silent_hosts.clear();
    world.run_for(1h);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: one that sends everything, whatever is asked for, is asked once nobody else is at work") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  damage(world.resource("a"), {5});
  world.mirror(0).ranges = false;
  Job job = world.run_job_for(1h, spec, 4);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: a mirror that says when to come back is waited for") {
  for (const std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    damage(world.resource("a"), {5});
    const test::Resource mirror = world.mirror(0);
    world.transport->resources.erase(spec.mirrors.front());
    world.transport->missing = Error(http_status(403), ErrorContext::remote_file, "busy").with_retry_after(10min);
    Job job = world.run_job_for(5min, spec, connections);
    CHECK(job.state() == JobState::transient_error);
    world.transport->resources[spec.mirrors.front()] = mirror;
    world.run_for(1h);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: whoever is asked for one that was wrong is asked for nothing else with it") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  damage(world.resource("a"), {1});
  world.transport->incidents.push_back(cut_after(2 * piece_bytes));
  Job job = world.run_job(spec, 1);
  REQUIRE(world.transport->asked.size() >= 2);
  CHECK(world.transport->asked[1].url == spec.mirrors.front());
  CHECK(world.transport->asked[1].range == ByteRange{piece_bytes, piece_bytes});
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: a source that has them all wrong costs two pieces, not the whole file") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  world.resource("a").content = test::content(size, 9);
  Job job = world.run_job(spec, 1);
  CHECK(world.transport->bytes_sent == size + 2 * piece_bytes);
  world.check_done(job, test::content(size));
}

TEST_CASE(
    "pieces: a wrong one that a server without ranges did not bring again at once does not make it be asked for ever") {
  for (const std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.file("a", size), test::content(size));
    world.resource("a").ranges = false;
    world.resource("a").damaged_reads = {9};
    Incident busy;
    busy.refuse = Error(http_status(503), ErrorContext::remote_file, "busy");
    world.transport->incidents.resize(connections);
    world.transport->incidents.push_back(busy);
    Job job = world.run_job_for(1h, spec, connections);
    CHECK(world.transport->asked.size() < 30);
    world.check_done(job, test::content(size));
  }
}

TEST_CASE("pieces: a mirror that has another file is not waited for where the URL has one wrong for good") {
  for (const std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
    damage(world.resource("a"), {5});
    world.mirror(0).content = test::content(size + 1);
    Job job = world.run_job_for(10min, spec, connections);
    REQUIRE(job.state() == JobState::error);
    CHECK(job.error()->code() == Errc::checksum_mismatch);
  }
}

TEST_CASE("pieces: whoever breaks off in one that was wrong goes on with it, so that all of it comes from one source") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  world.resource("a").content[6 * piece_bytes - 1] ^= 1;
  world.transport->incidents = {Incident(), cut_after(piece_bytes / 2)};
  Job job = world.run_job(spec, 1);
  CHECK(world.asked_of("server") == 1);
  CHECK(world.asked_of("mirror0") == 2);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: one that was wrong and that somebody who is gone had begun is fetched from its beginning") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  world.resource("a").damaged_reads = {24};
  world.mirror(0).content[5 * piece_bytes] ^= 1;
  Incident cut = cut_after(piece_bytes / 2);
  cut.cut_with = Error(http_status(404), ErrorContext::remote_file, "gone");
  world.transport->incidents = {Incident(), cut};
  Job job = world.run_job(spec, 1);
  REQUIRE(world.transport->asked.size() == 3);
  CHECK(world.transport->asked.back().range == ByteRange{5 * piece_bytes, piece_bytes});
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: whoever had one wrong too often does not relieve a slow one that is asked for it") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(1), test::content(size));
  damage(world.resource("a"), {5});
  world.transport->dead_hosts = {"http://mirror0"};
  Job job = world.run_job_for(5s, spec, 4);
  REQUIRE(job.state() == JobState::transient_error);
  world.transport->dead_hosts.clear();
  world.mirror(0).read_time = 1min;
  const std::size_t asked = world.asked_of("server");
  world.run_for(1h);
  CHECK(world.asked_of("server") == asked);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces: a source that sends everything brings the one it is asked for, whatever it has wrong before that") {
  Several world;
  const FileSpec spec = with_pieces(world.mirrored(2), test::content(size));
  damage(world.resource("a"), {2, 5});
  damage(world.mirror(0), {2});
  world.mirror(0).ranges = false;
  world.transport->dead_hosts = {"http://mirror1"};
  Job job = world.run_job_for(1min, spec, 1);
  CHECK(job.progress().bytes_transferred == size - piece_bytes);
  world.transport->dead_hosts.clear();
  world.run_for(1h);
  CHECK(world.transport->asked.size() < 50);
  world.check_done(job, test::content(size));
}

TEST_CASE("pieces prove what was fetched before a restart, whatever the server calls the version now") {
  Several world;
  const FileSpec spec = with_pieces(world.file("a", size), test::content(size));
  Job job = world.run_job_for(60ms, spec, 1);
  const std::uint64_t kept = job.progress().bytes_transferred;
  REQUIRE(kept > 0);
  world.crash();
  world.resource("a").validator = "\"another node\"";
  world.start();
  world.transport->bytes_sent = 0;
  world.run();
  Job again = world.queue->jobs().front();
  CHECK(world.transport->bytes_sent < size);
  world.check_done(again, test::content(size));
}

TEST_CASE("pieces, 4.8: on demand whole pieces are fetched, once, of whatever a range touches") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Several world;
    JobOptions options;
    options.connections_per_file = connections;
    options.download.on_demand = true;
    options.files = {with_pieces(world.file("a", size), test::content(size))};
    Job job = world.queue->add(options).value();
    File file = job.files()[0];
    REQUIRE(file.request_ranges({{piece_bytes + 1000, 10}, {3 * piece_bytes - 1, 2}}));
    job.resume();
    world.run_for(1h);
    CHECK(job.state() == JobState::suspended);
    CHECK(file.arrived() == std::vector<ByteRange>{{piece_bytes, 3 * piece_bytes}});
    CHECK(world.transport->bytes_sent == 3 * piece_bytes);

    REQUIRE(file.request_ranges({{size - 1, 1}}));
    job.resume();
    world.run_for(1h);
    CHECK(job.state() == JobState::suspended);
    CHECK(file.arrived() == std::vector<ByteRange>{{piece_bytes, 3 * piece_bytes}, {size - piece_bytes, piece_bytes}});

    REQUIRE(file.request_ranges({ByteRange{}}));
    job.resume();
    world.run();
    world.check_done(job, test::content(size));
  }
}
