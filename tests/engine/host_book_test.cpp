// What the queue learns of each origin, and how files keep to it together.
#include "engine/host_book.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "engine/source.hpp"
#include "support/weak_digest.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace bgxfer::detail;
using namespace std::chrono_literals;
using test::World;

namespace {

const Clock::TimePoint start{1h};
const Error slow_down(http_status(429), ErrorContext::remote_file);
const Error shut(std::make_error_code(std::errc::connection_refused), ErrorContext::transport);
const Error missing(http_status(404), ErrorContext::remote_file);

Visit failed_with(const Error& error) {
  Visit visit;
  visit.error = &error;
  return visit;
}

/// So many connections began at `began`, and this many of them are turned down at `now`.
void turn_down(Origin& origin, int times, const Error& error, Clock::TimePoint began, Clock::TimePoint now) {
  for (int i = 0; i < times; ++i) origin.left(failed_with(error), began, now);
}

constexpr std::size_t size = 4 * 1024 * 1024;
constexpr std::size_t piece_bytes = 256 * 1024;

/// A world with a server and two mirrors, each 64 KiB a read.
struct Hosts : World {
  Hosts() {
    options.sha256 = test::weak_digest;
    options.limits.slice_bytes_min = 64 * 1024;
    start();
  }

  FileSpec mirrored(const std::string& name, Clock::Duration first_mirror, Clock::Duration second_mirror) {
    FileSpec spec = file(name, size);
    for (const auto& [host, read_time] :
         {std::pair("http://mirror0/", first_mirror), std::pair("http://mirror1/", second_mirror)}) {
      spec.mirrors.push_back(host + name);
      test::Resource& mirror = transport->resources[spec.mirrors.back()];
      mirror = resource(name);
      mirror.read_time = read_time;
    }
    return spec;
  }

  /// The same with hashes of its pieces: bytes of mirrors are believed at once.
  static FileSpec in_pieces(FileSpec spec) {
    return test::in_pieces(std::move(spec), test::content(size), piece_bytes);
  }

  /// The same with a SHA-256: bytes of mirrors are judged at the end.
  static FileSpec hashed(FileSpec spec) {
    spec.sha256 = test::weak_digest_of(test::content(size));
    return spec;
  }

  Job add_job(std::vector<FileSpec> files, std::uint32_t connections, std::uint32_t parallel = 1) {
    JobOptions job;
    job.priority = Priority::foreground;
    job.connections_per_file = connections;
    job.parallel_files = parallel;
    job.files = std::move(files);
    Job added = queue->add(std::move(job)).value();
    added.resume();
    return added;
  }

  void fetch(FileSpec spec, std::uint32_t connections) {
    Job job = add_job({std::move(spec)}, connections);
    while (job.state() != JobState::transferred) {
      run_for(1ms);
      REQUIRE(job.state() != JobState::error);
    }
  }

  /// How often a host was asked for a file.
  std::size_t asked(const std::string& url) const {
    std::size_t count = 0;
    for (const test::Asking& it : transport->asked) count += it.url == url;
    return count;
  }
};

}  // namespace

TEST_CASE("an origin is a scheme, a host and a port, in whatever way they are written") {
  CHECK(origin_of("http://host/a/b?c=http://other/") == "http://host");
  CHECK(origin_of("HTTP://Host:80?c") == "http://host");
  CHECK(origin_of("https://user:pass@word@host:443#x") == "https://host");
  CHECK(origin_of("https://host:80/") == "https://host:80");
  CHECK(origin_of("http://[::1]:8080/a") == "http://[::1]:8080");
  CHECK(origin_of("file:///a") == "file://");
  CHECK(origin_of("nonsense").empty());
}

TEST_CASE("who is let in shows how many connections an origin takes") {
  Origin origin;
  CHECK(origin.connections_max(start) == SIZE_MAX);
  origin.connections = 8;
  turn_down(origin, 5, shut, start, start + 1s);
  CHECK(origin.connections == 3);
  CHECK(origin.connections_max(start + 1s) == 3);
  CHECK_FALSE(origin.has_room(start + 1s));
}

TEST_CASE("429 and 503 halve what an origin is asked for, once for all that were asked at the same time") {
  Origin origin;
  origin.connections = 8;
  turn_down(origin, 1, slow_down, start, start + 1s);
  CHECK(origin.connections_max(start + 1s) == 4);
  turn_down(origin, 2, slow_down, start, start + 2s);
  CHECK(origin.connections_max(start + 2s) == 4);
  // Fewer are at work than it has taken so far.
  origin.connections = 3;
  turn_down(origin, 1, slow_down, start + 3s, start + 3s);
  CHECK(origin.connections_max(start + 3s) == 2);
  origin.connections = 1;
  turn_down(origin, 1, slow_down, start + 4s, start + 4s);
  CHECK(origin.connections_max(start + 4s) == 1);
  origin.connections = 1;
  turn_down(origin, 1, slow_down, start + 5s, start + 5s);
  CHECK(origin.connections_max(start + 5s) == 1);
}

TEST_CASE("one connection more is tried after a while, and more seldom each time that it is turned down") {
  Origin origin;
  origin.connections = 4;
  turn_down(origin, 2, slow_down, start, start);
  REQUIRE(origin.connections_max(start) == 2);
  Clock::TimePoint now = start;
  for (const Clock::Duration patience : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s}) {
    CHECK(origin.next_raise(now) == now + patience);
    CHECK(origin.connections_max(now + patience - 1ns) == 2);
    now += patience;
    CHECK(origin.connections_max(now) == 3);
    origin.connections = 3;
    turn_down(origin, 1, slow_down, now, now);
  }
  // One that is let in stays.
  CHECK(origin.connections_max(now + 3 * 600s) == 5);
}

TEST_CASE("a server that says when to come back is not tried before") {
  const Error later = slow_down.with_retry_after(2min);
  Origin origin;
  origin.connections = 2;
  turn_down(origin, 1, later, start, start);
  CHECK(origin.next_raise(start) == start + 2min);
}

TEST_CASE("an origin that turns down everybody is down, which says nothing of how many it takes") {
  Origin origin;
  origin.connections = 1;
  turn_down(origin, 1, shut, start, start);
  CHECK_FALSE(origin.cap);
  CHECK(origin.failed_lately(start + 59s));
  CHECK_FALSE(origin.failed_lately(start + 60s));

  origin.connections = 8;
  turn_down(origin, 8, shut, start + 1h, start + 1h + 1s);
  CHECK(origin.connections == 0);
  CHECK_FALSE(origin.cap);
}

TEST_CASE("an origin that was down takes afterwards what it took before") {
  Origin origin;
  origin.connections = 8;
  turn_down(origin, 5, shut, start, start);
  REQUIRE(origin.connections_max(start) == 3);
  turn_down(origin, 3, shut, start + 1s, start + 2s);
  CHECK(origin.connections_max(start + 2s) == 3);
  origin.connections = 1;
  turn_down(origin, 1, shut, start + 3s, start + 4s);
  CHECK(origin.connections_max(start + 4s) == 3);
}

TEST_CASE("an origin that has served one and turned down all others is not down") {
  Origin origin;
  origin.connections = 3;
  origin.left(Visit(), start, start + 1s);
  turn_down(origin, 2, shut, start, start + 2s);
  CHECK(origin.connections_max(start + 2s) == 1);
}

TEST_CASE("an origin that has asked one for less and shut out another is not down: what it asked for is kept to") {
  const Error later = slow_down.with_retry_after(5min);
  Origin origin;
  origin.connections = 8;
  turn_down(origin, 7, later, start, start + 1s);
  REQUIRE(origin.connections_max(start + 1s) == 1);
  turn_down(origin, 1, shut, start, start + 2s);
  CHECK(origin.connections_max(start + 2s) == 1);
  CHECK(origin.connections_max(start + 4min) == 1);
}

TEST_CASE("a file that is not there, and a connection that breaks off, say nothing against an origin") {
  Origin origin;
  origin.connections = 3;
  turn_down(origin, 1, missing, start, start);
  Visit cut = failed_with(shut);
  cut.brought = 1;
  origin.left(cut, start, start);
  CHECK_FALSE(origin.cap);
  CHECK_FALSE(origin.failed_lately(start));
}

TEST_CASE("the speed of one connection is smoothed") {
  Origin origin;
  origin.connections = 2;
  Visit visit;
  visit.bytes_per_second = 100;
  origin.left(visit, start, start);
  CHECK(origin.bytes_per_second == 100);
  visit.bytes_per_second = 200;
  origin.left(visit, start, start);
  CHECK(origin.bytes_per_second == 150);
}

TEST_CASE("the book forgets the origin that was used longest ago, and none at which somebody is at work") {
  const auto book = std::make_shared<HostBook>(2);
  std::optional<HostBook::Seat> at_work = book->try_enter("a", start);
  REQUIRE(at_work);
  for (const char* origin : {"b", "c", "d"}) book->distrust(origin, start);
  CHECK(book->known("a").connections == 1);
  CHECK_FALSE(book->known("b").failed);
  CHECK_FALSE(book->known("c").failed);
  CHECK(book->known("d").failed);
  at_work.reset();
  CHECK(book->known("a").connections == 0);
  book->distrust("e", start);
  CHECK(book->known("d").failed);
}

TEST_CASE(
    "of two sources with equally many connections the one goes first that has not failed lately, then the faster") {
  Source first("http://a/");
  Source second("http://b/");
  CHECK_FALSE(goes_before(second, first));
  second.bytes_per_second = 1000;
  CHECK_FALSE(goes_before(second, first));  // Nothing is known of the first: the host's order.
  first.bytes_per_second = 900;
  CHECK_FALSE(goes_before(second, first));  // As good as equal.
  first.bytes_per_second = 500;
  CHECK(goes_before(second, first));
  second.failed_lately = true;
  CHECK_FALSE(goes_before(second, first));
  first.failed_lately = true;
  CHECK(goes_before(second, first));
  second.connections = 1;
  CHECK_FALSE(goes_before(second, first));
}

TEST_CASE("bad-servers 58: a further file asks an origin for no more connections than an earlier one was given") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 2;
  world.fetch(world.file("a", size), 8);
  const std::size_t turned_down = world.transport->turned_down;
  CHECK(turned_down > 0);
  world.fetch(world.file("b", size), 8);
  CHECK(world.transport->turned_down == turned_down);
  CHECK(world.transport->in_flight_max == 2);
}

TEST_CASE("a server that takes more again is asked for more after a while") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 1;
  world.fetch(world.file("a", size), 4);
  world.transport->host_connections_max.clear();
  world.run_for(1min);
  world.fetch(world.file("b", size), 4);
  CHECK(world.transport->in_flight_max == 4);
}

TEST_CASE("files that arrive at the same time keep together to what their origin takes") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 3;
  std::vector<FileSpec> files;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) files.push_back(world.file(name, size));
  Job job = world.add_job(files, 4, 2);
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(job) == 0);
  CHECK(world.transport->in_flight_max == 3);
  // Twice four were tried, and three taken.
  CHECK(world.transport->turned_down <= 5);
}

TEST_CASE("a file waits until another one has done with a connection, and is not turned down meanwhile") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 1;
  const FileSpec large = world.file("large", size);
  world.resource("large").read_time = 50ms;  // 3.2 s.
  Job first = world.add_job({large}, 1);
  world.run_for(100ms);
  Job second = world.add_job({world.file("small", 1000)}, 1);
  world.run_for(3s);
  CHECK(second.state() == JobState::connecting);
  CHECK(world.asked("http://server/small") == 1);
  CHECK(world.count<AttemptFailed>(second) == 1);
  world.run_for(500ms);
  CHECK(first.state() == JobState::transferred);
  CHECK(second.state() == JobState::transferred);
  CHECK(world.transport->turned_down == 1);
}

TEST_CASE("who waits for a connection comes before a further one of a file that has some") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 2;
  const FileSpec large = world.file("large", 4 * size);
  world.resource("large").read_time = 20ms;
  world.transport->incidents.resize(2);
  world.transport->incidents[1].read_time = 40ms;  // So that the other one has done with its share before.
  Job first = world.add_job({large}, 4);
  world.run_for(100ms);
  REQUIRE(world.transport->turned_down > 0);
  Job second = world.add_job({world.file("small", 1000)}, 1);
  world.run_for(2900ms);
  CHECK(first.state() == JobState::transferring);
  CHECK(second.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(second) == 0);
}

TEST_CASE("a file does not wait for ever: being turned down is what the host hears of") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 1;
  const FileSpec large = world.file("large", 16 * size);
  world.resource("large").read_time = 100ms;  // 102 s.
  Job first = world.add_job({large}, 1);
  world.run_for(100ms);
  Job second = world.add_job({world.file("small", 1000)}, 1);
  world.run_for(30s);
  CHECK(world.count<AttemptFailed>(second) >= 2);
  CHECK(world.count<AttemptFailed>(second) <= 5);
  world.run();
  CHECK(first.state() == JobState::transferred);
  CHECK(second.state() == JobState::transferred);
}

TEST_CASE("a job that waits for a connection can be suspended, and is woken by nothing then") {
  Hosts world;
  world.transport->host_connections_max["http://server"] = 1;
  const FileSpec large = world.file("large", size);
  world.resource("large").read_time = 50ms;
  Job first = world.add_job({large}, 1);
  world.run_for(100ms);
  Job second = world.add_job({world.file("small", 1000)}, 1);
  world.run_for(2s);
  REQUIRE(second.state() == JobState::connecting);
  second.suspend();
  world.run_for(1ms);
  first.suspend();
  const Clock::TimePoint before = world.options.clock->now();
  world.run();
  CHECK(world.options.clock->now() - before < 4s);
  CHECK(second.state() == JobState::suspended);
  second.resume();
  world.run();
  CHECK(second.state() == JobState::transferred);
}

TEST_CASE("a further file is shared with the mirror that was faster, whatever the host's order") {
  Hosts world;
  world.fetch(world.mirrored("a", 4ms, 1ms), 3);
  REQUIRE(world.asked("http://mirror0/a") > 0);
  world.fetch(world.mirrored("b", 4ms, 1ms), 2);
  CHECK(world.asked("http://mirror0/b") == 0);
  CHECK(world.asked("http://mirror1/b") > 0);
}

TEST_CASE("what the URL has is the file: a faster mirror is not asked before it") {
  Hosts world;
  const FileSpec first = world.in_pieces(world.mirrored("a", 500us, 500us));
  world.resource("a").read_time = 4ms;
  world.fetch(first, 3);
  REQUIRE(world.asked("http://mirror0/a") > 0);
  const FileSpec spec = world.mirrored("b", 500us, 500us);
  world.fetch(spec, 1);
  CHECK(world.asked(spec.url) == 1);
  CHECK(world.transport->asked.back().url == spec.url);
}

TEST_CASE("pieces: a faster mirror is asked before the URL, for its bytes are judged at once") {
  Hosts world;
  const FileSpec first = world.in_pieces(world.mirrored("a", 500us, 4ms));
  world.resource("a").read_time = 4ms;
  world.fetch(first, 3);
  REQUIRE(world.asked("http://mirror0/a") > 0);
  const FileSpec spec = world.in_pieces(world.mirrored("b", 500us, 4ms));
  world.fetch(spec, 1);
  CHECK(world.asked("http://mirror0/b") == 1);
  CHECK(world.asked(spec.url) == 0);
}

TEST_CASE(
    "a URL whose origin failed is asked after its mirrors for a while, also for other files, where a SHA-256 decides") {
  Hosts world;
  world.transport->dead_hosts.insert("http://server");
  world.fetch(Hosts::hashed(world.mirrored("a", 1ms, 1ms)), 1);
  CHECK(world.asked("http://server/a") == 1);
  world.fetch(Hosts::hashed(world.mirrored("b", 1ms, 1ms)), 1);
  CHECK(world.asked("http://server/b") == 0);
  world.transport->dead_hosts.clear();
  world.run_for(1min);
  world.fetch(Hosts::hashed(world.mirrored("c", 1ms, 1ms)), 1);
  CHECK(world.asked("http://server/c") == 1);
}

TEST_CASE("without hashes a URL is asked first, also if its origin has just failed: a mirror may have another file") {
  Hosts world;
  world.transport->dead_hosts.insert("http://server");
  world.fetch(world.mirrored("a", 1ms, 1ms), 1);
  world.transport->dead_hosts.clear();
  const FileSpec spec = world.mirrored("b", 1ms, 1ms);
  for (const std::string& mirror : spec.mirrors) world.transport->resources.at(mirror).content = test::content(size, 9);
  world.fetch(spec, 1);
  CHECK(world.asked("http://server/b") == 1);
  CHECK(world.asked("http://mirror0/b") == 0);
}

TEST_CASE("a mirror that is asked before a URL whose origin has just failed is found out by the SHA-256") {
  for (std::uint32_t connections : {1u, 4u}) {
    CAPTURE(connections);
    Hosts world;
    world.transport->dead_hosts.insert("http://server");
    world.fetch(Hosts::hashed(world.mirrored("a", 1ms, 1ms)), 1);
    world.transport->dead_hosts.clear();
    const FileSpec spec = Hosts::hashed(world.mirrored("b", 1ms, 1ms));
    for (const std::string& mirror : spec.mirrors)
      world.transport->resources.at(mirror).content = test::content(size, 9);
    Job job = world.add_job({spec}, connections);
    world.run_for(1min);
    CHECK(world.asked(spec.mirrors[0]) > 0);
    REQUIRE(job.state() == JobState::transferred);
    CHECK(world.count<AttemptFailed>(job) == 0);
    job.complete();
    world.run();
    CHECK(world.contents("b") == test::content(size));
  }
}

TEST_CASE(
    "a URL whose origin had failed decides what the file is once it answers, however many mirrors have another one") {
  for (std::uint32_t connections : {1u, 2u, 4u}) {
    for (std::size_t their_size : {size, size - 1000}) {
      CAPTURE(connections);
      CAPTURE(their_size);
      Hosts world;
      world.transport->dead_hosts.insert("http://server");
      world.fetch(Hosts::hashed(world.mirrored("a", 1ms, 1ms)), 1);
      world.transport->dead_hosts.clear();
      FileSpec spec = Hosts::hashed(world.mirrored("b", 1ms, 1ms));
      for (int i = 2; i < 8; ++i) spec.mirrors.push_back("http://mirror" + std::to_string(i) + "/b");
      for (const std::string& mirror : spec.mirrors) {
        world.transport->resources[mirror] = world.transport->resources.at(spec.mirrors[0]);
        world.transport->resources[mirror].content = test::content(their_size, 9);
      }
      Job job = world.add_job({spec}, connections);
      world.run_for(1min);
      CHECK(world.asked(spec.mirrors[0]) > 0);
      REQUIRE(job.state() == JobState::transferred);
      job.complete();
      world.run();
      CHECK(world.contents("b") == test::content(size));
    }
  }
}

TEST_CASE("a mirror that had another file is asked after others for a while, also for other files") {
  Hosts world;
  const FileSpec first = world.mirrored("a", 1ms, 1ms);
  world.transport->resources.at(first.mirrors[0]).content = test::content(size, 9);
  world.fetch(first, 3);
  world.fetch(world.mirrored("b", 1ms, 1ms), 2);
  CHECK(world.asked("http://mirror0/b") == 0);
  CHECK(world.asked("http://mirror1/b") > 0);
}
