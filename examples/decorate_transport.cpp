// Logs every request and counts every byte, around any transport.
// A decorator is a transport that owns another one; the queue cannot tell the difference.
// Run: decorate_transport http://example.org/file.iso file.iso
#include <atomic>

#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

// [decorator]
struct Account {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> bytes = 0;
};

class CountedDownload final : public bgxfer::Download {
 public:
  CountedDownload(std::unique_ptr<bgxfer::Download> inner, std::shared_ptr<Account> account)
      : inner_(std::move(inner)), account_(std::move(account)) {}
  const bgxfer::ResponseHead& head() const noexcept override { return inner_->head(); }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    bgxfer::Result<std::size_t> count = co_await inner_->read(into);
    if (count) account_->bytes += *count;
    co_return count;
  }

 private:
  std::unique_ptr<bgxfer::Download> inner_;
  std::shared_ptr<Account> account_;
};

class CountingTransport final : public bgxfer::Transport {
 public:
  CountingTransport(std::shared_ptr<bgxfer::Transport> inner, std::shared_ptr<Account> account)
      : inner_(std::move(inner)), account_(std::move(account)) {}
  bgxfer::Result<void> check_url(std::string_view url) const override { return inner_->check_url(url); }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request request) override {
    ++account_->requests;
    const std::string url = bgxfer::public_url(request.url);  // Without a query: there may be secrets in it.
    fmt::print("{} {}, bytes {}\n", request.method, url, request.range);
    bgxfer::Result<std::unique_ptr<bgxfer::Download>> opened = co_await inner_->open(std::move(request));
    if (!opened) {
      fmt::print("{}: {}\n", url, opened.error());
      co_return opened.error();
    }
    co_return std::make_unique<CountedDownload>(*std::move(opened), account_);
  }
  void network_changed() noexcept override { inner_->network_changed(); }

 private:
  std::shared_ptr<bgxfer::Transport> inner_;
  std::shared_ptr<Account> account_;
};
// [decorator]

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto account = std::make_shared<Account>();
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = std::make_shared<CountingTransport>(bgxfer::http::make_transport(), account);
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  bgxfer::Subscription events = job.on_event([&](const bgxfer::Event& event) {
    if (std::holds_alternative<bgxfer::JobTransferred>(event)) job.complete();
  });
  job.resume();
  io.run();
  fmt::print("{} bytes in {} requests\n", account->bytes.load(), account->requests.load());
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
