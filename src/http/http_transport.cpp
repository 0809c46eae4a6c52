#include <bgxfer/http/http_transport.hpp>

#include <algorithm>
#include <utility>

#include <asio/this_coro.hpp>

#include "exchange.hpp"
#include "pool.hpp"
#include "redirect.hpp"
#include "response.hpp"
#include "socket_network.hpp"

namespace bgxfer::inline v0::http {

namespace detail {

namespace {

class HttpDownload final : public Download {
 public:
  HttpDownload(ResponseHead head, std::unique_ptr<Exchange> exchange)
      : head_(std::move(head)), exchange_(std::move(exchange)) {}

  const ResponseHead& head() const noexcept override { return head_; }
  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override { return exchange_->read(into); }

 private:
  ResponseHead head_;
  std::unique_ptr<Exchange> exchange_;
};

PoolLimits pool_limits(const TransportOptions& options) {
  PoolLimits limits;
  limits.connections_per_host_max = std::max<std::size_t>(options.connections_per_host_max, 1);
  limits.idle_connections_max = std::max<std::size_t>(options.idle_connections_max, 1);
  limits.idle_timeout = options.idle_connection_timeout;
  limits.quiet_timeout = options.quiet_connection_timeout;
  return limits;
}

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(TransportOptions options)
      : options_(std::move(options)), pool_(std::make_shared<Pool>(pool_limits(options_), options_.clock)) {
    limits_.first_byte_timeout = options_.first_byte_timeout;
    limits_.stall_timeout = options_.stall_timeout;
    limits_.head.head_bytes_max = options_.response_head_bytes_max;
    limits_.head.fields_max = options_.response_fields_max;
  }

  Result<void> check_url(std::string_view url) const override {
    const Result<Url> parsed = parse_url(url);
    if (!parsed) return parsed.error();
    return {};
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    const Result<void> checked = check_request(request);
    if (!checked) co_return checked.error();
    const Result<Url> start = parse_url(request.url);
    if (!start) co_return start.error();

    RedirectTrail trail(request, *start);
    bool public_only = false;
    for (;;) {
      Result<std::unique_ptr<Exchange>> exchanged = co_await exchange(request, trail.here(), public_only);
      if (!exchanged) co_return located(exchanged.error(), trail.here());
      Exchange& answer = **exchanged;

      if (is_redirect(answer.head().status)) {
        // Only who is inside already may be sent about inside.
        if (!trail.moved()) public_only = answer.public_peer();
        answer.discard_body();
        const Result<void> followed = trail.follow(answer.head());
        if (!followed) co_return followed.error();
        continue;
      }
      Result<ResponseHead> head =
          judge_response(request, trail.here(), answer.head(), answer.framing(), options_.clock->wall_now());
      if (!head) {
        answer.discard_body();
        co_return head.error();
      }
      answer.expect_body(head->granted.length);
      co_return std::make_unique<HttpDownload>(*std::move(head), *std::move(exchanged));
    }
  }

  void network_changed() noexcept override { pool_->clear(); }

 private:
  /// Sends the request to `url` on a kept connection or a new one, and resolves when a head has arrived.
  asio::awaitable<Result<std::unique_ptr<Exchange>>> exchange(const Request& request, const Url& url,
                                                              bool public_only) {
    Result<Pool::Lease> leased = co_await pool_->leased(url.origin);
    if (!leased) co_return leased.error();
    Pool::Lease lease = *std::move(leased);
    asio::any_io_executor executor = co_await asio::this_coro::executor;

    // A body cannot be had twice, so it never risks a connection that may be dead.
    std::unique_ptr<Connection> kept;
    if (!request.body) kept = lease.take_idle(public_only);
    if (kept) {
      auto attempt = std::make_unique<Exchange>(std::move(lease), std::move(kept), executor, options_.clock, limits_);
      const Result<void> ran = co_await attempt->run(request, printed(request, url));
      if (ran) co_return std::move(attempt);
      const bool stale = !attempt->answered() && !attempt->timed_out() && ran.error().code() != Failure::cancelled;
      if (!stale) co_return ran.error();
      // Nothing had been answered, so nothing has been lost: the fresh connection is not a retry that anybody counts.
      Pool::Lease again = attempt->take_lease();
      co_return co_await exchange_fresh(std::move(again), request, url, public_only);
    }
    co_return co_await exchange_fresh(std::move(lease), request, url, public_only);
  }

  asio::awaitable<Result<std::unique_ptr<Exchange>>> exchange_fresh(Pool::Lease lease, const Request& request,
                                                                    const Url& url, bool public_only) {
    ConnectRequest wanted(url.origin.host, url.origin.port, url.origin.secure);
    wanted.public_addresses_only = public_only;
    wanted.timeout = options_.connect_timeout;
    Result<std::unique_ptr<ByteStream>> connected = co_await options_.network->connect(std::move(wanted));
    if (!connected) co_return connected.error();

    asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto connection = std::make_unique<Connection>(*std::move(connected));
    auto attempt =
        std::make_unique<Exchange>(std::move(lease), std::move(connection), executor, options_.clock, limits_);
    const Result<void> ran = co_await attempt->run(request, printed(request, url));
    if (!ran) co_return ran.error();
    co_return std::move(attempt);
  }

  std::string printed(const Request& request, const Url& url) const {
    return print_request(request, url, options_.user_agent);
  }

  const TransportOptions options_;
  const std::shared_ptr<Pool> pool_;
  ExchangeLimits limits_;
};

}  // namespace

}  // namespace detail

std::shared_ptr<Transport> make_transport(TransportOptions options) {
  if (!options.clock) options.clock = make_steady_clock();
  if (!options.network) options.network = detail::make_socket_network(options.ca_bundle);
  return std::make_shared<detail::HttpTransport>(std::move(options));
}

}  // namespace bgxfer::inline v0::http
