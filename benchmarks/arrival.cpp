// An urgent job comes while four background transfers take all they can get: how long until its first byte is here?
// LIST is as for fetch: the first four files are the background's, all others urgent, one job each.
// Prints a line of JSON: the times in milliseconds, and the bytes that had to be fetched twice.
// Run: arrival LIST JOURNAL
#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t background_files = 4;

/// Notes when the first byte of the file that is being waited for has been read from the network.
struct Watch {
  std::string url{};
  Clock::time_point arrived{};
};

class WatchedDownload final : public bgxfer::Download {
 public:
  WatchedDownload(std::unique_ptr<bgxfer::Download> inner, std::shared_ptr<Watch> watch)
      : inner_(std::move(inner)), watch_(std::move(watch)) {}
  const bgxfer::ResponseHead& head() const noexcept override { return inner_->head(); }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    bgxfer::Result<std::size_t> got = co_await inner_->read(into);
    if (watch_->arrived == Clock::time_point{}) watch_->arrived = Clock::now();
    co_return got;
  }

 private:
  std::unique_ptr<bgxfer::Download> inner_;
  std::shared_ptr<Watch> watch_;
};

class WatchedTransport final : public bgxfer::Transport {
 public:
  WatchedTransport(std::shared_ptr<bgxfer::Transport> inner, std::shared_ptr<Watch> watch)
      : inner_(std::move(inner)), watch_(std::move(watch)) {}
  bgxfer::Result<void> check_url(std::string_view url) const override { return inner_->check_url(url); }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request request) override {
    const bool watched = request.url == watch_->url;
    bgxfer::Result<std::unique_ptr<bgxfer::Download>> opened = co_await inner_->open(std::move(request));
    if (!opened || !watched) co_return opened;
    std::unique_ptr<bgxfer::Download> download = std::make_unique<WatchedDownload>(*std::move(opened), watch_);
    co_return std::move(download);
  }
  void network_changed() noexcept override { inner_->network_changed(); }

 private:
  std::shared_ptr<bgxfer::Transport> inner_;
  std::shared_ptr<Watch> watch_;
};

bgxfer::Job add(bgxfer::TransferQueue& queue, const bgxfer::FileSpec& file, bgxfer::Priority priority) {
  bgxfer::JobOptions options;
  options.priority = priority;
  options.files.push_back(file);
  return std::move(queue.add(std::move(options))).value();
}

asio::awaitable<void> run(bgxfer::TransferQueue& queue, std::vector<bgxfer::FileSpec> files,
                          std::shared_ptr<Watch> watch) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  (co_await queue.restored()).value();
  std::vector<bgxfer::Job> background;
  for (std::size_t i = 0; i < background_files; ++i) background.push_back(add(queue, files[i], bgxfer::Priority::low));
  for (bgxfer::Job& job : background) job.resume();

  std::vector<double> milliseconds;
  for (std::size_t i = background_files; i < files.size(); ++i) {
    std::uint64_t moving = 0;
    const auto count = [&background] {
      std::uint64_t sum = 0;
      for (const bgxfer::Job& job : background) sum += job.bytes_received();
      return sum;
    };
    // Until all four are at it again.
    for (const std::uint64_t seen = count(); moving < seen + (std::uint64_t{8} << 20); moving = count()) {
      timer.expires_after(std::chrono::milliseconds(2));
      co_await timer.async_wait(asio::use_awaitable);
      if (std::all_of(background.begin(), background.end(),
                      [](const bgxfer::Job& job) { return !is_active(job.state()); })) {
        throw std::runtime_error("the background transfers ended before the urgent ones: give them larger files");
      }
    }
    watch->url = files[i].url;
    watch->arrived = {};
    const Clock::time_point begin = Clock::now();
    bgxfer::Job urgent = add(queue, files[i], bgxfer::Priority::foreground);
    urgent.resume();
    (co_await urgent.transferred()).value();
    milliseconds.push_back(std::chrono::duration<double, std::milli>(watch->arrived - begin).count());
    urgent.complete();
    (co_await urgent.completed()).value();
  }
  std::uint64_t again = 0;
  for (bgxfer::Job& job : background) {
    (co_await job.transferred()).value();
    again += job.bytes_received() - job.progress().bytes_transferred;
    job.complete();
    (co_await job.completed()).value();
  }
  fmt::print("{{\"milliseconds\": [{:.3f}], \"fetched_again\": {}}}\n", fmt::join(milliseconds, ", "), again);
  queue.close();
  co_await queue.closed();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "arrival: needs a list and a journal\n");
    return 2;
  }
  std::vector<bgxfer::FileSpec> files;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);) {
    const std::size_t tab = line.find('\t');
    bgxfer::FileSpec& file = files.emplace_back();
    file.url = line.substr(0, tab);
    file.target = line.substr(tab + 1);
  }
  if (files.size() <= background_files) {
    fmt::print(stderr, "arrival: {} names no urgent file\n", argv[1]);
    return 2;
  }
  asio::io_context io(1);
  const auto watch = std::make_shared<Watch>();
  bgxfer::QueueOptions options;
  options.transport = std::make_shared<WatchedTransport>(bgxfer::http::make_transport(), watch);
  options.storage = bgxfer::disk::make_storage();
  options.journal = argv[2];
  options.limits.background_jobs_max = background_files;
  bgxfer::TransferQueue queue(io.get_executor(), options);
  asio::co_spawn(io, run(queue, std::move(files), watch), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  io.run();
}
