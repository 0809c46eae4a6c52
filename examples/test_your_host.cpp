// Tests a host's own code against a bad network, in virtual time: three hours of outage take no time at all.
// Clock, transport and storage are handed in, so a test hands in ones that do what it wants, the same every time.
// Run: test_your_host
#include <algorithm>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/memory/memory_storage.hpp>
#include <bgxfer/testing/simulation.hpp>

/// The code under test: gets a file, whatever it takes.
asio::awaitable<void> install(bgxfer::TransferQueue& queue, std::string url, bool& installed) {
  bgxfer::Job job = queue.add({.files = {{.url = url, .target = "/game/data.pak"}}}).value();
  job.resume();
  bgxfer::Result<void> transferred = co_await job.transferred();
  if (!transferred) co_return;
  job.complete();
  bgxfer::Result<void> completed = co_await job.completed();
  installed = completed.has_value();
}

// [script]
constexpr std::string_view resource = "the bytes that the host wants";

struct Body final : bgxfer::Download {
  bgxfer::ResponseHead said;
  std::uint64_t at = 0;
  const bgxfer::ResponseHead& head() const noexcept override { return said; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min<std::size_t>(into.size(), said.granted.end() - at);
    std::copy_n(std::as_bytes(std::span(resource)).begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
    at += count;
    co_return count;
  }
};

/// Down until a point in time, then there.
struct Outage final : bgxfer::Transport {
  std::shared_ptr<bgxfer::Clock> clock;
  bgxfer::Clock::TimePoint until{};
  int attempts = 0;
  bgxfer::Result<void> check_url(std::string_view) const override { return {}; }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request request) override {
    ++attempts;
    if (clock->now() < until) {
      co_return bgxfer::Error(bgxfer::Errc::connect_timeout, bgxfer::ErrorContext::transport, "scripted outage");
    }
    auto body = std::make_unique<Body>();
    body->at = request.range.offset;
    body->said.granted = {request.range.offset, resource.size() - request.range.offset};
    body->said.resource_size = resource.size();
    co_return body;
  }
  void network_changed() noexcept override {}
};
// [script]

int main() {
  // [test]
  bgxfer::testing::Simulation world(42);  // The seed chooses the order of events: each is another lawful one.
  const auto network = std::make_shared<Outage>();
  network->clock = world.clock();
  network->until = world.clock()->now() + std::chrono::hours(3);
  const auto disk = std::make_shared<bgxfer::memory::MemoryStorage>();
  bgxfer::QueueOptions options{.transport = network, .storage = disk, .clock = world.clock(), .seed = 7};
  bgxfer::TransferQueue queue(world.executor(), options);

  bool installed = false;
  asio::co_spawn(world.executor(), install(queue, "scripted://data", installed), asio::detached);
  world.run();  // Until nothing is left to do; time jumps from deadline to deadline.

  const auto found = disk->contents("/game/data.pak");
  const bool same = found && std::ranges::equal(*found, std::as_bytes(std::span(resource)));
  fmt::print("installed: {}, bytes equal: {}, attempts: {}\n", installed, same, network->attempts);
  return installed && same && network->attempts > 10 ? 0 : 1;
  // [test]
}
