#ifndef BGXFER_TESTS_SUPPORT_WORLD_HPP
#define BGXFER_TESTS_SUPPORT_WORLD_HPP

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/memory/memory_storage.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "scripted_transport.hpp"

namespace bgxfer::test {

/// Bytes that differ from place to place and from seed to seed.
inline std::string content(std::size_t bytes, std::uint32_t seed = 1) {
  std::string text(bytes, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

/// A queue in virtual time, with a scripted server and files in memory.
struct World {
  explicit World(std::uint64_t seed = 0) : simulation(seed) {
    transport = std::make_shared<ScriptedTransport>(simulation.clock());
    storage = std::make_shared<memory::MemoryStorage>();
    options.transport = transport;
    options.storage = storage;
    options.clock = simulation.clock();
    options.journal = "/state/queue.journal";
    options.chunk_bytes = 64 * 1024;
    options.seed = 42;
  }
  ~World() { stop(); }

  /// Opens the queue, again if it was stopped, and restores its journal.
  TransferQueue& start() {
    queue.emplace(simulation.executor(), options);
    events = queue->on_event([this](const Event& event) { heard.push_back(event); });
    run_ready();
    return *queue;
  }

  /// The process ends without a word: coroutines vanish where they stand.
  void crash() {
    simulation.kill();
    stop();
  }

  void stop() {
    events.reset();
    queue.reset();
    simulation.run_ready();
    simulation.kill();
  }

  void run_ready() { simulation.run_ready(); }
  void run_for(Clock::Duration time) { simulation.run_for(time); }
  void run() { simulation.run(); }

  /// A resource of so many bytes, and where it goes.
  FileSpec file(const std::string& name, std::size_t bytes, std::uint32_t seed = 1) {
    FileSpec spec;
    spec.url = "http://server/" + name;
    spec.target = "/files/" + name;
    Resource resource;
    resource.content = content(bytes, seed);
    transport->resources[spec.url] = resource;
    return spec;
  }

  Resource& resource(const std::string& name) { return transport->resources.at("http://server/" + name); }

  /// A job of one file.
  Job add(const std::string& name, std::size_t bytes, Priority priority = Priority::normal) {
    JobOptions job;
    job.display_name = name;
    job.priority = priority;
    job.files.push_back(file(name, bytes));
    return queue->add(std::move(job)).value();
  }

  /// What stands under the final name; empty if nothing does.
  std::optional<std::string> contents(const std::string& name) const {
    const auto bytes = storage->contents("/files/" + name);
    if (!bytes) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }

  /// Temporary files that exist.
  std::size_t temporary_files() const {
    std::size_t count = 0;
    for (const auto& name : storage->names()) count += name.filename().string().starts_with(".bgx-");
    return count;
  }

  /// The states that a job went through, in order.
  std::vector<JobState> states(const Job& job) const {
    std::vector<JobState> found;
    for (const Event& event : heard) {
      const auto* changed = std::get_if<StateChanged>(&event);
      if (changed && changed->job == job.id()) found.push_back(changed->to);
    }
    return found;
  }

  template <class Kind>
  std::size_t count(const Job& job) const {
    std::size_t found = 0;
    for (const Event& event : heard) found += std::holds_alternative<Kind>(event) && job_of(event) == job.id();
    return found;
  }

  testing::Simulation simulation;
  std::shared_ptr<ScriptedTransport> transport;
  std::shared_ptr<memory::MemoryStorage> storage;
  QueueOptions options;
  std::optional<TransferQueue> queue;
  Subscription events;
  std::vector<Event> heard;
};

}  // namespace bgxfer::test

#endif
