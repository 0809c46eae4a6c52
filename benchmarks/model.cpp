// A patch of many files over a line of so many bytes per second with a delay, in virtual time: the queue, the engine
// and the HTTP transport are the real ones, the line is simulated, and the disk takes everything at once. Prints a line
// of JSON: how long it takes in virtual time, and the bytes that arrived. Run: model FILES BYTES_OF_EACH
// BYTES_PER_SECOND ROUND_TRIP_MS FILES_AT_ONCE
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/testing/simulated_network.hpp>
#include <bgxfer/testing/simulation.hpp>

namespace {

using std::chrono::duration_cast;
using Duration = bgxfer::Clock::Duration;

struct Patch {
  std::size_t files = 0;
  std::size_t bytes_of_each = 0;
  double bytes_per_second = 0;
  Duration round_trip{};
  std::uint32_t at_once = 1;
};

/// What all connections share: an answer begins to arrive a round trip after its request, and behind whatever was asked
/// for before it.
class Line {
 public:
  explicit Line(const Patch& patch) : patch_(patch) {}

  Duration wait_for_answer(bgxfer::Clock::TimePoint now) {
    const std::chrono::duration<double> carrying(static_cast<double>(patch_.bytes_of_each) / patch_.bytes_per_second);
    free_ = std::max(free_, now + patch_.round_trip) + duration_cast<Duration>(carrying);
    return free_ - now;
  }

 private:
  const Patch patch_;
  bgxfer::Clock::TimePoint free_{};
};

/// Knows how long its file is, and not what is in it.
class Forgetful final : public bgxfer::PartialFile {
 public:
  explicit Forgetful(std::uint64_t number) : number_(number) {}
  bgxfer::FileIdentity identity() const noexcept override { return bgxfer::FileIdentity{1, number_}; }
  asio::awaitable<bgxfer::Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    size_ = std::max<std::uint64_t>(size_, offset + bytes.size());
    co_return bgxfer::Result<void>{};
  }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::uint64_t, std::span<std::byte>) override {
    co_return std::size_t{0};
  }
  asio::awaitable<bgxfer::Result<std::uint64_t>> size() override { co_return size_; }
  asio::awaitable<bgxfer::Result<void>> resize(std::uint64_t bytes) override {
    size_ = bytes;
    co_return bgxfer::Result<void>{};
  }
  asio::awaitable<bgxfer::Result<void>> reserve(std::uint64_t) override { co_return bgxfer::Result<void>{}; }
  asio::awaitable<bgxfer::Result<void>> sync() override { co_return bgxfer::Result<void>{}; }

 private:
  const std::uint64_t number_;
  std::uint64_t size_ = 0;
};

class EndlessDisk final : public bgxfer::Storage {
 public:
  bgxfer::Result<void> check_target(const std::filesystem::path&) const override { return {}; }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::PartialFile>>> open(bgxfer::OpenPartial) override {
    std::unique_ptr<bgxfer::PartialFile> file = std::make_unique<Forgetful>(++files_);
    co_return std::move(file);
  }
  asio::awaitable<bgxfer::Result<void>> sync(std::span<const bgxfer::FilePlace>) override {
    co_return bgxfer::Result<void>{};
  }
  asio::awaitable<bgxfer::CommitReport> commit(std::span<const bgxfer::CommitFile> files) override {
    co_return bgxfer::CommitReport(files.size());
  }
  asio::awaitable<bgxfer::Result<void>> discard(std::span<const bgxfer::FilePlace>) override {
    co_return bgxfer::Result<void>{};
  }
  asio::awaitable<bgxfer::Result<std::uint64_t>> free_bytes(std::filesystem::path) override {
    co_return std::uint64_t{1} << 50;
  }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::LogFile>>> open_log(std::filesystem::path path) override {
    co_return bgxfer::Error(bgxfer::Errc::invalid_argument, bgxfer::ErrorContext::local_file, path.string());
  }
  std::string epoch() const override { return "endless"; }

 private:
  std::uint64_t files_ = 0;
};

asio::awaitable<void> fetch(bgxfer::TransferQueue& queue, Patch patch, std::shared_ptr<bgxfer::Clock> clock) {
  bgxfer::JobOptions options;
  options.parallel_files = patch.at_once;
  options.files.reserve(patch.files);
  for (std::size_t i = 0; i < patch.files; ++i) {
    bgxfer::FileSpec& file = options.files.emplace_back();
    file.url = fmt::format("http://cdn.example.org/{:07}.pak", i);
    file.target = fmt::format("/patch/{:07}.pak", i);
  }
  bgxfer::Job job = queue.add(std::move(options)).value();
  const bgxfer::Clock::TimePoint begin = clock->now();
  job.resume();
  (co_await job.transferred()).value();
  const std::chrono::duration<double> time = clock->now() - begin;
  fmt::print("{{\"seconds\": {:.3f}, \"bytes\": {}}}\n", time.count(), job.progress().bytes_transferred);
  queue.close();
  co_await queue.closed();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "model: the head of model.cpp says how\n");
    return 2;
  }
  Patch patch;
  patch.files = std::stoul(argv[1]);
  patch.bytes_of_each = std::stoul(argv[2]);
  patch.bytes_per_second = std::stod(argv[3]);
  patch.round_trip = std::chrono::milliseconds(std::stoul(argv[4]));
  patch.at_once = static_cast<std::uint32_t>(std::stoul(argv[5]));

  const std::vector<std::byte> bytes(patch.bytes_of_each, std::byte{'x'});
  bgxfer::testing::Simulation simulation;
  auto network = std::make_shared<bgxfer::testing::SimulatedNetwork>(simulation);
  Line line(patch);
  bgxfer::testing::SimulatedServer server;
  server.accept = [&patch](const bgxfer::ConnectRequest&) {
    bgxfer::testing::ConnectAnswer answer;
    answer.delay = patch.round_trip;
    return answer;
  };
  server.answer = [&](const bgxfer::testing::ServerRequest&) {
    bgxfer::testing::ServerAnswer answer;
    answer.wait(line.wait_for_answer(simulation.clock()->now()));
    answer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"1\"\r\n\r\n", patch.bytes_of_each));
    answer.send_borrowed(bytes);
    return answer;
  };
  network->serve("cdn.example.org", server);

  bgxfer::http::TransportOptions http;
  http.network = network;
  http.clock = simulation.clock();
  http.connections_per_host_max = patch.at_once;
  http.environment_proxies = false;
  bgxfer::QueueOptions options;
  options.clock = http.clock;
  options.transport = bgxfer::http::make_transport(http);
  options.storage = std::make_shared<EndlessDisk>();
  options.seed = 5;
  bgxfer::TransferQueue queue(simulation.executor(), options);
  bool ended = false;
  asio::co_spawn(simulation.executor(), fetch(queue, patch, http.clock), [&](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    ended = true;
  });
  while (!ended) {
    if (!simulation.run_until([&ended] { return ended; }) && simulation.ready() == 0) return 1;
  }
}
