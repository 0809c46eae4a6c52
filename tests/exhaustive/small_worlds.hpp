#ifndef BGXFER_TESTS_EXHAUSTIVE_SMALL_WORLDS_HPP
#define BGXFER_TESTS_EXHAUSTIVE_SMALL_WORLDS_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/testing/faulty_storage.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "support/scripted_transport.hpp"
#include "support/world.hpp"

namespace bgxfer::test {

/// A queue in virtual time whose disk and transport can fail at any call, and what it has promised so far.
class SmallWorld {
 public:
  SmallWorld() : transport(std::make_shared<ScriptedTransport>(simulation.clock())) {
    disk = std::make_shared<testing::FaultyStorage>(simulation.clock());
    options.transport = transport;
    options.storage = disk;
    options.clock = simulation.clock();
    options.journal = "/state/queue.journal";
    options.chunk_bytes = 4096;
    options.limits.claim_bytes = 4096;
    options.sha256 = digest;
    transport->read_bytes = 2048;
    disk->on_power_cut([this] { simulation.stop(); });
  }
  ~SmallWorld() { end_life(); }

  // A life.

  void start() {
    queue.emplace(simulation.executor(), options);
    simulation.run_ready();
  }
  void end_life() {
    queue.reset();
    simulation.kill();
  }
  [[nodiscard]] bool dead() const { return disk->powered_off(); }
  void run() {
    if (dead()) return;
    if (patience) {
      simulation.run_for(*patience);
    } else {
      simulation.run();
    }
  }
  void run_for(Clock::Duration time) {
    if (!dead()) simulation.run_for(time);
  }

  // What a scenario does.

  FileSpec file(const std::string& name, std::size_t bytes, std::uint32_t seed = 1) {
    FileSpec spec;
    spec.url = "http://server/" + name;
    spec.target = "/files/" + name;
    Resource& resource = transport->resources[spec.url];
    resource.content = content(bytes, seed);
    versions[name].insert(resource.content);
    return spec;
  }
  /// The server has another version of the file from here on.
  void change(const std::string& name, std::size_t bytes, std::uint32_t seed) {
    Resource& resource = transport->resources.at("http://server/" + name);
    Resource changed = resource;
    changed.content = content(bytes, seed);
    changed.validator = "\"v" + std::to_string(seed) + "\"";
    versions[name].insert(changed.content);
    // All of it or nothing: memory may run out here too.
    resource = std::move(changed);
  }
  Job add(std::vector<FileSpec> files, JobOptions with = {}) {
    with.files = std::move(files);
    return queue->add(std::move(with)).value();
  }
  /// Waits until everything so far is durable. From then on the jobs that there are must never be lost.
  void save() {
    if (dead()) return;
    auto saved = std::make_shared<bool>(false);
    asio::co_spawn(simulation.executor(), wait_saved(*queue, saved), asio::detached);
    if (patience) {
      simulation.run_for(*patience);
    } else {
      simulation.run_until([this, saved] { return *saved || dead(); });
    }
    if (!*saved) return;
    for (const Job& job : queue->jobs()) promised.insert(job.id());
  }
  /// The host ends the job: it may be gone from here on.
  void ends(const Job& job) {
    promised.erase(job.id());
    ended.insert(job.id());
  }

  // What must be true.

  /// Every file under its own name is a version that was served, whole. What is wrong, else empty.
  [[nodiscard]] std::string wrong_files() const {
    for (const auto& [name, allowed] : versions) {
      const auto bytes = disk->contents("/files/" + name);
      if (!bytes) continue;
      const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
      if (!allowed.contains(text)) return name + " has wrong bytes under its own name";
    }
    return {};
  }
  /// Brings every job to its end in the life after; what is wrong, else empty.
  [[nodiscard]] std::string recover() {
    disk->heal();
    transport->incidents.clear();
    start();
    simulation.run();
    for (const JobId& id : promised) {
      if (!queue->find(id)) return "an acknowledged job is lost";
    }
    for (Job& job : queue->jobs()) job.resume();
    simulation.run();
    for (Job& job : queue->jobs()) {
      if (job.files().empty()) {
        job.cancel();
        continue;
      }
      if (job.state() != JobState::transferred && !hopeless.contains(job.options().display_name)) {
        return "a job ends in " + std::string(to_string(job.state())) + ": " +
               (job.error() ? job.error()->message() : std::string("no error"));
      }
      job.complete();
    }
    simulation.run();
    if (!queue->jobs().empty()) return "a job cannot be completed";
    if (std::string wrong = wrong_files(); !wrong.empty()) return wrong;
    for (const auto& name : disk->names()) {
      if (!may_leave_files && name.filename().string().starts_with(".bgx-"))
        return "a temporary file is left: " + name.string();
    }
    return {};
  }

  testing::Simulation simulation;
  std::shared_ptr<ScriptedTransport> transport;
  std::shared_ptr<testing::FaultyStorage> disk;
  QueueOptions options;
  std::optional<TransferQueue> queue;
  std::map<std::string, std::set<std::string>> versions;  ///< By name: the contents that were served.
  std::set<JobId> promised;
  std::set<JobId> ended;
  /// How long a scenario waits for what may never come; empty: until the world stands still.
  std::optional<Clock::Duration> patience{};
  bool may_leave_files =
      false;  ///< Deleting may fail: temporary files are then left behind (BG_S_UNABLE_TO_DELETE_FILES).
  std::set<std::string> hopeless;  ///< Jobs, by display name, that cannot be transferred.

 private:
  /// A digest for tests: not SHA-256, but it tells contents apart.
  class Checksum final : public Sha256Stream {
   public:
    void update(std::span<const std::byte> bytes) override {
      for (const std::byte byte : bytes) state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
    }
    Sha256 finish() override {
      Sha256 sum;
      for (std::size_t i = 0; i < 8; ++i) sum.bytes[i] = static_cast<std::byte>(state_ >> (8 * i));
      return sum;
    }

   private:
    std::uint64_t state_ = 14695981039346656037u;
  };
  static std::unique_ptr<Sha256Stream> digest() { return std::make_unique<Checksum>(); }

 public:
  static Sha256 digest_of(const std::string& text) {
    Checksum sum;
    sum.update(std::as_bytes(std::span(text)));
    return sum.finish();
  }

 private:
  static asio::awaitable<void> wait_saved(const TransferQueue& queue, std::shared_ptr<bool> saved) {
    Result<void> done = co_await queue.saved();
    *saved = done.has_value();
  }
};

/// One thing that a host does with a queue, in one life, with some dozen operations of the disk.
struct Scenario {
  std::string name;
  std::function<void(SmallWorld&)> play;
};

[[nodiscard]] const std::vector<Scenario>& scenarios();

}  // namespace bgxfer::test

#endif
