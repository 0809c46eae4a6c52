#include <bgxfer/httplib/httplib_transport.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include "../http/redirect.hpp"
#include "../http/response.hpp"
#include "client.hpp"
#include "crew.hpp"
#include "transfer.hpp"

namespace bgxfer::inline v0::httplib {

namespace detail {

/// What the transport and its downloads own together.
struct Workshop {
  explicit Workshop(TransportOptions settings)
      : options(std::move(settings)), crew(std::max<std::size_t>(options.transfers_max, 1)) {}

  const TransportOptions options;
  Crew crew;  // Last: its threads read the options.
};

/// The coroutine's end of a transfer. Without it nobody wants the transfer any more.
class Caller {
 public:
  Caller(std::shared_ptr<Workshop> workshop, std::shared_ptr<Transfer> transfer)
      : workshop_(std::move(workshop)), transfer_(std::move(transfer)) {}
  ~Caller() { hang_up(); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  [[nodiscard]] Transfer& transfer() const noexcept { return *transfer_; }

  /// Puts a thread to work.
  [[nodiscard]] Result<void> call() {
    // Not the workshop itself: whoever holds it last waits for the threads.
    return workshop_->crew.run(
        [transfer = transfer_, options = &workshop_->options] { run_transfer(*transfer, *options); });
  }

  /// Resolves with the next answer in `transfer`, or with why there is none. Then `transfer` is the thread's for good.
  asio::awaitable<Result<void>> ask() {
    const bool answered = co_await Handoff::ask(std::shared_ptr<Handoff>(transfer_, &transfer_->handoff));
    if (answered) co_return Result<void>{};
    hang_up();
    co_return Error(Errc::cancelled, ErrorContext::transport);
  }

 private:
  void hang_up() noexcept {
    transfer_->handoff.abandon();
    transfer_->plug.pull();
  }

  std::shared_ptr<Workshop> workshop_;
  std::shared_ptr<Transfer> transfer_;
};

class HttplibDownload final : public Download {
 public:
  HttplibDownload(ResponseHead head, std::unique_ptr<Caller> caller)
      : head_(std::move(head)), caller_(std::move(caller)) {}

  const ResponseHead& head() const noexcept override { return head_; }

  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (into.empty()) co_return std::size_t{0};
    if (gone_) co_return *gone_;
    Transfer& transfer = caller_->transfer();
    while (taken_ == transfer.bytes.size()) {
      if (transfer.ended) co_return std::size_t{0};
      if (transfer.failure) co_return http::detail::located(*transfer.failure, transfer.url);
      transfer.bytes.clear();
      taken_ = 0;
      const Result<void> answered = co_await caller_->ask();
      if (!answered) {
        gone_ = answered.error();
        co_return *gone_;
      }
    }
    const std::size_t count = std::min(into.size(), transfer.bytes.size() - taken_);
    std::memcpy(into.data(), transfer.bytes.data() + taken_, count);
    taken_ += count;
    co_return count;
  }

 private:
  ResponseHead head_;
  std::unique_ptr<Caller> caller_;
  std::size_t taken_ = 0;  // Of the bytes of the last answer.
  std::optional<Error> gone_{};
};

class HttplibTransport final : public Transport {
 public:
  explicit HttplibTransport(TransportOptions options) : workshop_(std::make_shared<Workshop>(std::move(options))) {}

  Result<void> check_url(std::string_view url) const override {
    const Result<http::detail::Url> parsed = http::detail::parse_url(url);
    if (!parsed) return parsed.error();
    return {};
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    const Result<void> checked = http::detail::check_request(request);
    if (!checked) co_return checked.error();
    if (request.body) {
      co_return Error(Errc::invalid_argument, ErrorContext::transport, "this transport sends no request bodies");
    }
    // What it cannot do it must not leave undone in silence: a pin, say, would not be looked at.
    const bool proxied = request.proxy.usage == ProxyUsage::listed || request.proxy.usage == ProxyUsage::autodetect;
    if (!request.credentials.empty() || request.stored_credentials || request.tls != TlsOptions() || proxied) {
      co_return Error(
          Errc::invalid_argument, ErrorContext::transport,
          "this transport knows no credentials, proxies and TLS options of jobs; use bgxfer::http::make_transport");
    }
    const Result<http::detail::Url> start = http::detail::parse_url(request.url);
    if (!start) co_return start.error();

    const std::shared_ptr<Workshop> workshop = workshop_;
    http::detail::RedirectTrail trail(request, *start);
    bool public_only = false;
    for (;;) {
      auto transfer = std::make_shared<Transfer>(request, trail.here(), public_only);
      auto caller = std::make_unique<Caller>(workshop, transfer);
      const Result<void> called = caller->call();
      if (!called) co_return called.error();
      const Result<void> answered = co_await caller->ask();
      if (!answered) co_return answered.error();
      if (transfer->failure) co_return http::detail::located(*transfer->failure, trail.here());

      if (http::detail::is_redirect(transfer->head.status)) {
        // Only who is inside already may be sent about inside.
        if (!trail.moved()) public_only = transfer->public_peer;
        const Result<void> followed = trail.follow(transfer->head);
        if (!followed) co_return followed.error();
        continue;
      }
      Result<ResponseHead> head = http::detail::judge_response(request, trail.here(), transfer->head, transfer->framing,
                                                               std::chrono::system_clock::now());
      if (!head) co_return head.error();
      head->final_url = trail.final_url();
      transfer->length_max = head->granted.length;
      co_return std::make_unique<HttplibDownload>(*std::move(head), std::move(caller));
    }
  }

  /// No connection is kept and no route learned.
  void network_changed() noexcept override {}

 private:
  const std::shared_ptr<Workshop> workshop_;
};

}  // namespace detail

std::shared_ptr<Transport> make_transport(TransportOptions options) {
  // cpp-httplib waits in milliseconds that are an int.
  constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 24};
  for (std::chrono::milliseconds* time :
       {&options.connect_timeout, &options.first_byte_timeout, &options.stall_timeout}) {
    *time = std::clamp(*time, std::chrono::milliseconds{1}, longest);
  }
  return std::make_shared<detail::HttplibTransport>(std::move(options));
}

}  // namespace bgxfer::inline v0::httplib
