// The same work in every run, for counting instructions: the whole of HTTP, engine, journal and disk, but the server's
// bytes come from memory and time stands still. Prints how often it took memory from the heap.
// Run: steps FOLDER FILES BYTES        fetches FILES files of BYTES each into FOLDER, which is empty, as one job
//      steps FOLDER FILES queue        only adds so many files
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/testing/manual_clock.hpp>

#include "support/counted_heap.hpp"

namespace {

/// A server on the other end of nothing: each request written to it is answered with a file of one size, at once.
class Answers final : public bgxfer::ByteStream {
 public:
  explicit Answers(std::size_t size)
      : head_(
            fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\n\r\n", size)),
        size_(size) {}

  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    // As from a socket: the head comes with the first bytes of the body, and then as much as fits.
    std::size_t count = 0;
    if (head_sent_ < head_.size()) {
      count = std::min(into.size(), head_.size() - head_sent_);
      std::memcpy(into.data(), head_.data() + head_sent_, count);
      head_sent_ += count;
    }
    const std::size_t more = std::min(into.size() - count, body_left_);
    body_left_ -= more;
    co_return count + more;
  }
  asio::awaitable<bgxfer::Result<void>> write(std::span<const std::byte>) override {
    head_sent_ = 0;
    body_left_ = size_;
    co_return bgxfer::Result<void>{};
  }
  void close() noexcept override {}
  bool reusable() noexcept override { return true; }

 private:
  const std::string head_;
  const std::size_t size_;
  std::size_t head_sent_ = 0;
  std::size_t body_left_ = 0;
};

class Wire final : public bgxfer::Network {
 public:
  explicit Wire(std::size_t size) : size_(size) {}
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::ByteStream>>> connect(bgxfer::ConnectRequest) override {
    std::unique_ptr<bgxfer::ByteStream> stream = std::make_unique<Answers>(size_);
    co_return std::move(stream);
  }

 private:
  std::size_t size_;
};

asio::awaitable<void> work(bgxfer::TransferQueue& queue, std::filesystem::path folder, std::size_t files, bool fetch) {
  (co_await queue.restored()).value();
  bgxfer::JobOptions options;
  options.files.reserve(files);
  for (std::size_t i = 0; i < files; ++i) {
    bgxfer::FileSpec& file = options.files.emplace_back();
    file.url = fmt::format("http://cdn.example.org/game/1.2/data/{:06}.pak", i);
    file.target = folder / fmt::format("{:06}.pak", i);
  }
  bgxfer::Job job = queue.add(std::move(options)).value();
  (co_await queue.saved()).value();
  if (fetch) {
    job.resume();
    (co_await job.transferred()).value();
    job.complete();
    (co_await job.completed()).value();
  }
  queue.close();
  co_await queue.closed();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "steps: needs a folder, a number of files and their size\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const bool fetch = std::string(argv[3]) != "queue";
  asio::io_context io(1);
  bgxfer::http::TransportOptions http;
  http.network = std::make_shared<Wire>(fetch ? std::stoul(argv[3]) : 0);
  http.clock = std::make_shared<bgxfer::testing::ManualClock>();
  bgxfer::QueueOptions options;
  options.clock = http.clock;
  options.transport = bgxfer::http::make_transport(http);
  options.storage = bgxfer::disk::make_storage();
  options.journal = folder / "queue.journal";
  options.seed = 5;
  bgxfer::TransferQueue queue(io.get_executor(), options);
  asio::co_spawn(io, work(queue, folder, std::stoul(argv[2]), fetch), [&io](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    io.stop();
  });
  io.run();
  fmt::print("{}\n", bgxfer::test::allocations.load());
}
