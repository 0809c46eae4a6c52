#include <bgxfer/log.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <bgxfer/secret_store.hpp>
#include <bgxfer/testing/faulty_storage.hpp>

#include "support/weak_digest.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace bgxfer::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* journal_name = "/state/queue.journal";

/// A store that has nothing to give and nowhere to put anything.
class BrokenSecrets final : public SecretStore {
 public:
  asio::awaitable<Result<void>> put(std::string name, std::vector<std::byte> secret) override {
    (void)secret;
    co_return Error(Errc::journal_failed, ErrorContext::local_file, std::move(name));
  }
  asio::awaitable<Result<std::vector<std::byte>>> get(std::string name) override {
    co_return Error(Errc::journal_failed, ErrorContext::local_file, std::move(name));
  }
  asio::awaitable<Result<void>> erase(std::string name) override {
    co_return Error(Errc::journal_failed, ErrorContext::local_file, std::move(name));
  }
};

/// One that throws, which no host promises not to.
class ThrowingSecrets final : public SecretStore {
 public:
  asio::awaitable<Result<void>> put(std::string, std::vector<std::byte>) override {
    throw std::runtime_error("locked");
  }
  asio::awaitable<Result<std::vector<std::byte>>> get(std::string) override {
    throw std::runtime_error("locked");
    co_return Error(Errc::not_found, ErrorContext::local_file);
  }
  asio::awaitable<Result<void>> erase(std::string) override {
    throw std::runtime_error("locked");
    co_return Result<void>();
  }
};

/// A queue on a disk that fails on request. Every secret that it is given contains "marker-secret".
struct LoggedWorld : World {
  LoggedWorld() {
    options.storage = disk;
    options.limits.retry_delay_floor = 10ms;
    options.log_level = LogLevel::debug;
    options.log = [this](const LogEntry& entry) { entries.push_back(entry); };
  }
  ~LoggedWorld() { stop(); }  // The queue says goodbye.

  Job add_secretly(const std::string& name, std::size_t bytes) {
    FileSpec spec = file(name, bytes);
    const Resource resource = transport->resources.at(spec.url);
    spec.url += "?token=marker-secret-url";
    transport->resources[spec.url] = resource;
    JobOptions job;
    job.display_name = name;
    job.retry_delay_min = job.retry_delay_max = 10ms;
    job.http.headers = {Header{"Authorization", "marker-secret-header"}};
    job.http.credentials = {
        Credentials{CredentialTarget::server, CredentialScheme::basic, "me", "marker-secret-password"}};
    job.files.push_back(std::move(spec));
    return queue->add(std::move(job)).value();
  }

  Resource& secret_resource(const std::string& name) {
    return transport->resources.at("http://server/" + name + "?token=marker-secret-url");
  }

  void damage_journal(std::size_t at) {
    std::vector<std::byte> bytes = disk->contents(journal_name).value();
    bytes.at(at) ^= std::byte{1};
    disk->put(journal_name, bytes);
  }

  void die() {
    simulation.kill();
    events.reset();
    queue.reset();
    simulation.run_ready();
    simulation.kill();
    disk->process_crash();
  }

  [[nodiscard]] bool said(LogEvent event) const {
    return std::any_of(entries.begin(), entries.end(), [event](const LogEntry& entry) { return entry.event == event; });
  }

  [[nodiscard]] std::size_t times_said(LogEvent event) const {
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [event](const LogEntry& entry) { return entry.event == event; }));
  }

  std::shared_ptr<testing::FaultyStorage> disk = std::make_shared<testing::FaultyStorage>(simulation.clock());
  std::vector<LogEntry> entries;
};

void run_well(LoggedWorld& world) {
  world.start();
  Job job = world.add_secretly("well", 100'000);
  job.resume();
  world.run();
  job.complete();
  world.run();
  world.queue->network_changed(Connectivity::offline);
  world.queue->cost_changed(NetworkCost{CostState::roaming, true});
  world.queue->close();
  world.run();
}

void run_badly(LoggedWorld& world) {
  world.options.limits.inactivity_timeout = 1h;
  world.start();
  Job changing = world.add_secretly("changing", 200'000);
  Incident cut;
  cut.cut_after = 100'000;
  Incident refused;
  refused.refuse = Error(http_status(503), ErrorContext::remote_file, "busy");
  world.transport->incidents = {cut, refused};
  changing.resume();
  world.run_for(50ms);
  world.secret_resource("changing").validator = "\"v2\"";
  world.run_for(10s);
  Job forbidden = world.add_secretly("forbidden", 1000);
  Incident denied;
  denied.refuse = Error(http_status(401), ErrorContext::remote_file, "no");
  world.transport->incidents = {denied};
  forbidden.resume();
  world.run_for(10s);
  forbidden.cancel();
  world.run_for(10s);
  testing::FaultRates rates;
  rates.rename = 1;
  world.disk->set_rates(rates);
  changing.complete();
  world.run_for(1s);
  world.disk->heal();
  world.run_for(2h);  // Nobody comes back.
}

void lose_things(LoggedWorld& world) {
  world.options.secrets = std::make_shared<BrokenSecrets>();
  world.start();
  Job job = world.add_secretly("lost", 10'000'000);
  job.resume();
  world.run_for(100ms);
  world.die();
  for (const std::filesystem::path& name : world.disk->names()) {
    if (name.filename().string().starts_with(".bgx-")) world.disk->remove(name);
  }
  world.start();
  world.run_for(50ms);
  // The disk fails for good, and heals, and fails again until the queue has ended.
  Job again = world.queue->jobs().at(0);
  world.disk->fail_from(world.disk->operations() + 1);
  REQUIRE(again.configure([](JobOptions& options) { options.description = "changed"; }));
  world.run_for(10s);
  world.disk->heal();
  world.run_for(10min);
  world.disk->fail_from(world.disk->operations() + 1);
  again.suspend();
  again.cancel();
  world.run_for(10s);
  world.queue->close();
  world.run();
  world.disk->heal();
  world.die();

  world.start();
  world.run_for(50ms);
  world.die();
  world.damage_journal(64 + 20);
  world.start();
  world.run_for(50ms);
  world.die();
  world.disk->put(journal_name, std::string(100, 'd'));
  world.start();
  world.run_for(50ms);
}

/// A temporary file that cannot be deleted: one of the operations after the cancel is the deleting.
void leave_behind(LoggedWorld& world) {
  world.start();
  for (std::uint64_t operation = 1; operation <= 8; ++operation) {
    Job job = world.add_secretly("left-" + std::to_string(operation), 10'000'000);
    job.resume();
    world.run_for(100ms);
    world.disk->fail_at(world.disk->operations() + operation);
    job.cancel();
    world.run_for(10s);
    world.disk->heal();
    world.run_for(10min);
  }
}

/// A mirror that lies, behind a right beginning: found out by the hashes of pieces, and by that of the whole.
void trust_a_liar(LoggedWorld& world) {
  constexpr std::size_t bytes = 4'000'000;
  world.options.sha256 = weak_digest;
  world.options.limits.slice_bytes_min = 64 * 1024;
  world.start();
  for (const bool in_pieces : {true, false}) {
    const std::string name = in_pieces ? "pieces" : "whole";
    FileSpec spec = world.file(name, bytes);
    const std::string wanted = content(bytes);
    spec.mirrors.push_back("http://mirror/" + name + "?token=marker-secret-url");
    Resource& mirror = world.transport->resources[spec.mirrors.back()];
    mirror = world.resource(name);
    for (std::size_t i = bytes / 3; i < bytes; ++i) mirror.content[i] ^= 1;
    if (in_pieces) {
      spec = test::in_pieces(std::move(spec), wanted, 256 * 1024);
    } else {
      spec.sha256 = weak_digest_of(wanted);
    }
    JobOptions options;
    options.connections_per_file = 4;
    options.files.push_back(std::move(spec));
    Job job = world.queue->add(std::move(options)).value();
    job.resume();
    world.run_for(1h);
    CHECK(job.state() == JobState::transferred);
  }
}

}  // namespace

TEST_CASE("log: every event is said by something that happens, with its level, on one line, and without a secret") {
  std::set<LogEvent> said;
  const auto take = [&said](void (*story)(LoggedWorld&)) {
    LoggedWorld world;
    story(world);
    for (const LogEntry& entry : world.entries) {
      said.insert(entry.event);
      const std::string line = to_line(entry);
      CAPTURE(line);
      CHECK(entry.level == level_of(entry.event));
      CHECK(line.find("marker-secret") == std::string::npos);
      CHECK(line.find('\n') == std::string::npos);
      CHECK(line.starts_with(std::string(to_string(entry.level)) + " " + std::string(to_string(entry.event))));
    }
  };
  take(run_well);
  take(run_badly);
  take(lose_things);
  take(leave_behind);
  take(trust_a_liar);
  for (const LogEvent event : log_events()) {
    INFO("never said: ", to_string(event));
    CHECK(said.contains(event));
  }
}

TEST_CASE("log: less than the level is not said, and an empty log is no trouble") {
  LoggedWorld world;
  world.options.log_level = LogLevel::warning;
  run_well(world);
  CHECK(world.entries.empty());

  LoggedWorld silent;
  silent.options.log = nullptr;
  run_well(silent);
}

TEST_CASE("log: the host may use its queue from there, and what it throws there is dropped") {
  std::size_t lines = 0;
  LoggedWorld world;
  world.options.log = [&](const LogEntry&) {
    ++lines;
    if (world.queue) lines += world.queue->jobs().size();
    throw std::runtime_error("the host's disk is full");
  };
  run_well(world);
  CHECK(lines > 0);
}

TEST_CASE("log: words from outside stay on their line") {
  LoggedWorld world;
  world.start();
  Job job = world.add_secretly("a", 1000);
  REQUIRE(job.configure([](JobOptions& options) { options.display_name = "two\nlines"; }));
  job.resume();
  world.run();
  const auto found = std::find_if(world.entries.begin(), world.entries.end(),
                                  [](const LogEntry& entry) { return entry.event == LogEvent::job_transferred; });
  REQUIRE(found != world.entries.end());
  CHECK(to_line(*found) == "info job.transferred job=" + job.id().to_string() + " two?lines");
}

TEST_CASE("a store of secrets that throws is one that keeps nothing") {
  LoggedWorld world;
  world.options.secrets = std::make_shared<ThrowingSecrets>();
  world.start();
  Job job = world.add_secretly("a", 1000);
  world.run();
  CHECK(world.times_said(LogEvent::secrets_not_kept) == 1);
  world.die();
  world.start();
  world.run_for(50ms);
  CHECK(world.times_said(LogEvent::secrets_not_restored) == 1);
  REQUIRE(world.queue->jobs().size() == 1);
  world.queue->jobs()[0].cancel();
  world.run_for(50ms);
  CHECK(world.times_said(LogEvent::secrets_not_kept) == 2);
  world.queue->close();
  world.run();
  CHECK(world.times_said(LogEvent::queue_closed) > 0);
}
