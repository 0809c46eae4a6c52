// What the simulation has found, each as the smallest story that shows it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <bgxfer/testing/faulty_storage.hpp>

#include "support/weak_digest.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;

namespace {

constexpr std::size_t some = 200'000;

asio::awaitable<void> note_saved(asio::awaitable<Result<void>> saved, const World& world, std::size_t& journal_bytes) {
  const Result<void> outcome = co_await std::move(saved);
  if (outcome) journal_bytes = world.storage->contents("/state/queue.journal").value().size();
}

}  // namespace

TEST_CASE("a queue that is gone leaves its journal to the next one, whoever still holds a handle") {
  World world;
  world.start();
  const Job job = world.add("file", some);
  world.stop();
  world.start();
  CHECK(world.queue->jobs().size() == 1);
}

TEST_CASE("a queue that is destroyed without being closed writes its last word, with all of its jobs") {
  World world;
  world.options.limits.journal_bytes_before_compaction = 1;
  world.start();
  for (int i = 0; i < 5; ++i) {
    world.add("f" + std::to_string(i), some);
    world.queue.reset();
    world.run();
    world.start();
    CHECK(world.queue->jobs().size() == static_cast<std::size_t>(i) + 1);
  }
}

TEST_CASE("saved() waits for a job that was added before the journal was open") {
  World world;
  world.queue.emplace(world.simulation.executor(), world.options);
  world.add("early", some);
  std::size_t journal_bytes = 0;
  asio::co_spawn(world.simulation.executor(), note_saved(world.queue->saved(), world, journal_bytes), asio::detached);
  world.run_ready();
  REQUIRE(journal_bytes > 0);
  const auto journal = world.storage->contents("/state/queue.journal").value();
  CHECK(journal_bytes == journal.size());
  world.crash();
  world.start();
  CHECK(world.queue->jobs().size() == 1);
}

TEST_CASE("a transferred job that files were added to stays transferred across a restart") {
  World world;
  world.start();
  Job job = world.add("first", some);
  job.resume();
  world.run();
  REQUIRE(job.add({world.file("second", some)}));
  const JobId id = job.id();
  world.run();
  world.crash();
  world.start();
  REQUIRE(world.queue->find(id));
  CHECK(world.queue->find(id)->state() == JobState::transferred);
}

TEST_CASE("an empty resource is complete at the first attempt") {
  World world;
  world.start();
  Job job = world.add("empty", 0);
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(job) == 0);
}

TEST_CASE("a range to an end that the server does not tell is followed by the other ranges") {
  World world;
  world.start();
  FileSpec spec = world.file("parts", some);
  spec.ranges = {ByteRange{some - 1000, ByteRange::to_end}, ByteRange{10, 500}};
  world.resource("parts").sized = false;
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  job.complete();
  world.run();
  const std::string whole = test::content(some);
  CHECK(world.contents("parts") == whole.substr(some - 1000) + whole.substr(10, 500));
}

TEST_CASE("several ranges of a resource without a validator are refused, not fetched again and again") {
  World world;
  world.start();
  FileSpec spec = world.file("parts", some);
  spec.ranges = {ByteRange{1000, 1000}, ByteRange{5000, 1000}};
  world.resource("parts").validator.clear();
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  REQUIRE(job.error());
  CHECK(job.error()->code() == Errc::ranges_unsupported);
  CHECK(world.transport->asked.size() == 1);
}

TEST_CASE("a resource of another size than the host gave is refused, even if only its end tells its size") {
  for (const std::size_t expected : {some - 1, some + 1}) {
    World world;
    world.start();
    FileSpec spec = world.file("file", some);
    spec.size = expected;
    world.resource("file").sized = false;
    JobOptions options;
    options.files.push_back(spec);
    Job job = world.queue->add(options).value();
    job.resume();
    world.run();
    REQUIRE(job.error());
    CHECK(job.error()->code() == Errc::wrong_size);
  }
}

TEST_CASE("a range to an end that only a 416 tells is complete, and is not fetched again") {
  World world;
  world.start();
  FileSpec spec = world.file("parts", some);
  spec.ranges = {ByteRange{some - 1000, ByteRange::to_end}, ByteRange{10, 500}};
  world.resource("parts").sized = false;
  world.resource("parts").bounded = true;
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  job.complete();
  world.run();
  const std::string whole = test::content(some);
  CHECK(world.contents("parts") == whole.substr(some - 1000) + whole.substr(10, 500));
  CHECK(world.transport->bytes_sent == 1500);
}

TEST_CASE(
    "all bytes of a resource that tells neither size nor validator are not fetched again because their end was cut "
    "off") {
  World world;
  world.start();
  Job job = world.add("file", some);
  world.resource("file").sized = false;
  world.resource("file").bounded = true;
  world.resource("file").validator.clear();
  Incident cut;
  cut.cut_after = some;
  world.transport->incidents.push_back(cut);
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.transport->bytes_sent == some + world.options.limits.overlap_bytes);
}

TEST_CASE("what a response told of its version is forgotten if none of its bytes arrived") {
  World world;
  world.start();
  Job job = world.add("file", some);
  Incident cut;
  cut.cut_after = 0;
  world.transport->incidents.push_back(cut);
  job.resume();
  world.run_for(100ms);
  CHECK(world.count<AttemptFailed>(job) == 1);
  world.resource("file").content.clear();
  world.resource("file").sized = false;
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(job) == 1);
}

TEST_CASE("a few bytes without a validator are compared as many are, and cost no restart") {
  World world;
  world.options.limits.restarts_max = 0;
  world.start();
  Job job = world.add("file", some);
  world.resource("file").validator.clear();
  for (int i = 0; i < 3; ++i) {
    Incident cut;
    cut.cut_after = 1000 * (i + 1);
    world.transport->incidents.push_back(cut);
  }
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
}

TEST_CASE("a server that sends no more than the overlap at a time is asked for less of it") {
  World world;
  world.options.limits.restarts_max = 0;
  world.start();
  Job job = world.add("file", some);
  world.resource("file").validator.clear();
  Incident cut;
  cut.cut_after = some / 2;
  world.transport->incidents.push_back(cut);
  Incident capped;
  capped.grant_max = 10'000;
  for (int i = 0; i < 100; ++i) world.transport->incidents.push_back(capped);
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.count<AttemptFailed>(job) == 1);
}

TEST_CASE("a resource that has become shorter than the bytes that are compared restarts") {
  World world;
  world.start();
  Job job = world.add("file", some);
  world.resource("file").validator.clear();
  world.resource("file").sized = false;
  Incident cut;
  cut.cut_after = 1000;
  world.transport->incidents.push_back(cut);
  job.resume();
  world.run_for(100ms);
  CHECK(world.count<AttemptFailed>(job) == 1);
  world.resource("file").content = test::content(10);
  world.run();
  CHECK(job.state() == JobState::transferred);
  job.complete();
  world.run();
  CHECK(world.contents("file") == test::content(10));
}

TEST_CASE("the beginning of a longer resource is never taken for the file, however often the job is resumed") {
  World world;
  world.start();
  FileSpec spec = world.file("file", some);
  spec.size = 2 * world.transport->read_bytes;  // A read ends exactly there.
  world.resource("file").sized = false;
  JobOptions options;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  for (int i = 0; i < 2; ++i) {
    job.resume();
    world.run();
    REQUIRE(job.state() == JobState::error);
    CHECK(job.error()->code() == Errc::wrong_size);
  }
}

TEST_CASE("nothing is heard of a job after its final event, though bytes were under way to the disk") {
  constexpr std::uint64_t piece = 192 * 1024;
  for (auto moment = 100ms; moment < 8s; moment += 70ms) {
    CAPTURE(moment.count());
    World world;
    const auto disk = std::make_shared<testing::FaultyStorage>(world.simulation.clock(), 1);
    disk->set_latency(100ms, 500ms);
    world.options.storage = disk;
    world.options.sha256 = test::weak_digest;
    world.options.limits.slice_bytes_min = piece;
    world.start();
    world.run_for(10s);
    JobOptions options;
    options.connections_per_file = 2;
    options.files.push_back(test::in_pieces(world.file("file", 6 * piece), test::content(6 * piece), piece));
    world.resource("file").damaged_reads = {3};  // Other pieces are read once more then, to be looked at.
    Job job = world.queue->add(std::move(options)).value();
    job.resume();
    world.run_for(moment);
    if (!job.cancel()) continue;
    world.run();
    const auto* last = std::get_if<StateChanged>(&world.heard.back());
    REQUIRE(last);
    CHECK(last->to == JobState::cancelled);
  }
}

TEST_CASE("a file whose pieces are wrong everywhere ends in an error, though no turn is long enough to ask everybody") {
  constexpr std::uint64_t piece = 64 * 1024;
  World world;
  world.options.sha256 = test::weak_digest;
  world.options.limits.foreground_jobs_max = 1;
  world.options.limits.time_slice = 12ms;  // 10 ms to connect: one is asked.
  world.start();
  std::vector<Job> jobs;
  for (const char* name : {"a", "b"}) {
    FileSpec spec = test::in_pieces(world.file(name, piece), test::content(piece, 9), piece);
    spec.mirrors = {"http://mirror/" + std::string(name)};
    world.transport->resources[spec.mirrors.front()] = world.resource(name);
    JobOptions options;
    options.priority = Priority::foreground;
    options.files.push_back(spec);
    jobs.push_back(world.queue->add(options).value());
  }
  for (Job& job : jobs) job.resume();
  world.run_for(1min);
  for (Job& job : jobs) {
    REQUIRE(job.state() == JobState::error);
    CHECK(job.error()->code() == Errc::checksum_mismatch);
  }
  // A job that is resumed has all its attempts again.
  for (const char* name : {"a", "b"}) world.resource(name).content = test::content(piece, 9);
  for (Job& job : jobs) job.resume();
  world.run_for(1min);
  for (Job& job : jobs) CHECK(job.state() == JobState::transferred);
}

TEST_CASE("a mirror that has a piece right is heard, though it was away or no turn is long enough to ask everybody") {
  constexpr std::uint64_t piece = 64 * 1024;
  for (const bool away : {true, false}) {
    CAPTURE(away);
    World world;
    world.options.sha256 = test::weak_digest;
    world.options.limits.foreground_jobs_max = 1;
    if (!away) world.options.limits.time_slice = 12ms;  // 10 ms to connect: one is asked.
    world.start();
    const std::string wanted = test::content(4 * piece);
    std::vector<Job> jobs;
    for (const char* name : {"a", "b"}) {
      FileSpec spec = test::in_pieces(world.file(name, wanted.size()), wanted, piece);
      spec.mirrors = {"http://mirror/" + std::string(name)};
      world.transport->resources[spec.mirrors.front()] = world.resource(name);
      world.resource(name).content[piece] ^= 1;
      JobOptions options;
      options.priority = Priority::foreground;
      options.files.push_back(spec);
      jobs.push_back(world.queue->add(options).value());
    }
    if (away) world.transport->dead_hosts = {"http://mirror"};
    for (Job& job : jobs) job.resume();
    world.run_for(1h);
    if (away) {
      for (Job& job : jobs) CHECK(job.state() == JobState::transient_error);
      world.transport->dead_hosts.clear();
      world.run_for(1h);
    }
    for (Job& job : jobs) CHECK(job.state() == JobState::transferred);
  }
}

TEST_CASE("what came beside a piece that is waited for stays, and nobody is blamed for what he was not asked") {
  constexpr std::uint64_t piece = 64 * 1024;
  World world;
  world.options.sha256 = test::weak_digest;
  world.start();
  const std::string wanted = test::content(8 * piece);
  FileSpec spec = test::in_pieces(world.file("a", wanted.size()), wanted, piece);
  spec.mirrors = {"http://mirror/a"};
  test::Resource& mirror = world.transport->resources[spec.mirrors.front()];
  mirror = world.resource("a");
  for (const std::size_t at : {1, 4}) world.resource("a").content[at * piece] ^= 1;
  for (const std::size_t at : {0, 5}) mirror.content[at * piece] ^= 1;
  world.transport->dead_hosts = {"http://mirror"};
  JobOptions options;
  options.connections_per_file = 2;
  options.files.push_back(spec);
  Job job = world.queue->add(options).value();
  job.resume();
  world.run_for(6h);
  CHECK(job.state() == JobState::transient_error);
  CHECK(job.progress().bytes_transferred == 6 * piece);
  world.transport->dead_hosts.clear();
  world.run_for(1h);
  REQUIRE(job.state() == JobState::transferred);
  job.complete();
  world.run();
  CHECK(world.contents("a") == wanted);
}

TEST_CASE("pieces that were wrong at the old URL count for nothing at the new one, whenever it is set") {
  constexpr std::uint64_t piece = 64 * 1024;
  for (std::chrono::milliseconds moment{20}; moment < 2s; moment += 7ms) {
    CAPTURE(moment.count());
    World world;
    const auto disk = std::make_shared<testing::FaultyStorage>(world.simulation.clock(), 1);
    disk->set_latency(20ms, 60ms);
    world.options.storage = disk;
    world.options.sha256 = test::weak_digest;
    world.start();
    const std::string wanted = test::content(2 * piece);
    FileSpec spec = test::in_pieces(world.file("a", wanted.size()), wanted, piece);
    spec.mirrors = {"http://mirror/a"};
    world.transport->resources["http://server/new"].content = wanted;
    world.resource("a").content[piece] ^= 1;
    world.transport->resources[spec.mirrors.front()] = world.resource("a");
    JobOptions options;
    options.files.push_back(spec);
    Job job = world.queue->add(options).value();
    job.resume();
    world.run_for(moment);
    if (job.state() == JobState::error) break;
    REQUIRE(job.files().front().set_url("http://server/new"));
    world.run_for(1h);
    CHECK(job.state() == JobState::transferred);
  }
}

TEST_CASE("a range that begins at the end of its resource is empty, though nothing was made when the server says so") {
  World world;
  world.options.sha256 = test::weak_digest;
  world.start();
  JobOptions options;
  options.files.push_back(world.file("file", 100'000));
  world.resource("file").bounded = true;
  options.files.front().ranges = {{100'000, ByteRange::to_end}};
  options.files.front().sha256 = test::weak_digest_of("");
  Job job = world.queue->add(std::move(options)).value();
  job.resume();
  world.run_for(1min);
  REQUIRE(job.state() == JobState::transferred);
  job.complete();
  world.run();
  CHECK(world.contents("file") == "");
}

TEST_CASE("a range goes where it belongs in a resource of another size, though all of that came in answer to it") {
  for (const std::size_t later : {std::size_t{100'000}, std::size_t{300'000}}) {
    CAPTURE(later);
    World world;
    world.start();
    JobOptions options;
    options.files.push_back(world.file("file", 200'000));
    options.files.front().ranges = {{50'000, ByteRange::to_end}, {0, 30'000}};
    Job job = world.queue->add(std::move(options)).value();
    job.resume();
    while (world.transport->asked.size() < 2) world.run_for(1ms);
    REQUIRE(world.transport->asked[1].range == ByteRange{0, 30'000});
    test::Resource& resource = world.resource("file");
    resource.content = test::content(later, 2);
    resource.validator = "\"v2\"";
    world.run_for(1min);
    REQUIRE(job.state() == JobState::transferred);
    job.complete();
    world.run();
    CHECK(world.contents("file") == resource.content.substr(50'000) + resource.content.substr(0, 30'000));
  }
}
