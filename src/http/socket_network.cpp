#include "socket_network.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/ip/address.hpp>
#include <asio/this_coro.hpp>

#ifndef _WIN32
#include <sys/socket.h>
#include <unistd.h>
#endif

#include "address.hpp"
#include "bell.hpp"
#include "socket_stream.hpp"
#include "tls_contexts.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

using tcp = asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;
using Endpoints = std::vector<tcp::endpoint>;

Error connect_error(Errc code, std::string detail) { return Error(code, ErrorContext::transport, std::move(detail)); }

/// The answer of the resolver, which may come after nobody waits for it any more.
struct Resolution {
  std::mutex mutex;
  bool done = false;
  std::error_code error;
  Endpoints endpoints;
};

asio::awaitable<Result<Endpoints>> resolve_host(std::string host, std::uint16_t port, SteadyTime deadline) {
  std::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return Endpoints(1, tcp::endpoint(address, port));

  asio::any_io_executor executor = co_await asio::this_coro::executor;
  Bell bell(executor);
  const auto resolution = std::make_shared<Resolution>();
  const auto answered = [resolution, button = bell.button()](std::error_code error,
                                                             const tcp::resolver::results_type& r) {
    const std::lock_guard lock(resolution->mutex);
    resolution->done = true;
    resolution->error = error;
    for (const auto& entry : r) resolution->endpoints.push_back(entry.endpoint());
    button.ring();
  };
  tcp::resolver resolver(executor);
  resolver.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service, answered);
  co_await bell.heard_by(deadline);

  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return connect_error(Errc::cancelled, host);
  const std::lock_guard lock(resolution->mutex);
  if (!resolution->done) co_return connect_error(Errc::connect_timeout, host + ": the name was not resolved");
  if (resolution->error) co_return Error(resolution->error, ErrorContext::transport, host);
  co_return std::move(resolution->endpoints);
}

/// A socket that programs which the host starts do not inherit: a connection would not end as long as they run. Asio's
/// own `open` leaves them every socket.
std::error_code open_socket(tcp::socket& socket, const tcp& protocol) {
  std::error_code error;
#ifdef SOCK_CLOEXEC
  const int handle = ::socket(protocol.family(), protocol.type() | SOCK_CLOEXEC, protocol.protocol());
  if (handle < 0) return std::error_code(errno, std::system_category());
  socket.assign(protocol, handle, error);
  if (error) ::close(handle);
#else
  socket.open(protocol, error);
#endif
  return error;
}

/// Attempts to reach several addresses, of which the first that answers wins (RFC 8305 section 5).
class ConnectRace {
 public:
  ConnectRace(asio::any_io_executor executor, Endpoints endpoints)
      : executor_(std::move(executor)), endpoints_(std::move(endpoints)), bell_(executor_) {}

  asio::awaitable<Result<tcp::socket>> run(SteadyTime deadline, std::string host) {
    SteadyTime next_attempt = SteadyTime::min();
    for (;;) {
      const SteadyTime now = std::chrono::steady_clock::now();
      const bool more = attempts_.size() < endpoints_.size();
      if (now >= deadline) co_return connect_error(Errc::connect_timeout, host);
      if (more && (now >= next_attempt || pending() == 0)) {
        start_attempt();
        next_attempt = now + connect_attempt_delay;
      } else if (pending() == 0) {
        co_return Error(last_error_, ErrorContext::transport, host);
      }
      co_await bell_.heard_by(attempts_.size() < endpoints_.size() ? std::min(next_attempt, deadline) : deadline);

      const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return connect_error(Errc::cancelled, host);
      if (std::optional<tcp::socket> winner = take_winner()) co_return *std::move(winner);
    }
  }

 private:
  /// Shared with the callback, which may come after the race has been left.
  struct Attempt {
    explicit Attempt(const asio::any_io_executor& executor) : socket(executor) {}
    tcp::socket socket;
    std::shared_ptr<std::optional<std::error_code>> outcome = std::make_shared<std::optional<std::error_code>>();
  };

  void start_attempt() {
    Attempt& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(executor_));
    const auto answered = [outcome = attempt.outcome, mutex = mutex_, button = bell_.button()](std::error_code error) {
      const std::lock_guard lock(*mutex);
      *outcome = error;
      button.ring();
    };
    const tcp::endpoint& endpoint = endpoints_[attempts_.size() - 1];
    if (const std::error_code error = open_socket(attempt.socket, endpoint.protocol())) {
      answered(error);
    } else {
      attempt.socket.async_connect(endpoint, answered);
    }
  }

  std::size_t pending() const {
    const std::lock_guard lock(*mutex_);
    return static_cast<std::size_t>(std::count_if(attempts_.begin(), attempts_.end(), [](const auto& attempt) {
      return attempt && !attempt->outcome->has_value();
    }));
  }

  std::optional<tcp::socket> take_winner() {
    const std::lock_guard lock(*mutex_);
    for (std::unique_ptr<Attempt>& attempt : attempts_) {
      if (!attempt || !attempt->outcome->has_value()) continue;
      const std::error_code error = **attempt->outcome;
      if (!error) return std::move(attempt->socket);
      last_error_ = error;
      attempt.reset();
    }
    return std::nullopt;
  }

  asio::any_io_executor executor_;
  Endpoints endpoints_;
  Bell bell_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  std::vector<std::unique_ptr<Attempt>> attempts_{};
  std::error_code last_error_{};
};

class SocketNetwork final : public Network {
 public:
  explicit SocketNetwork(std::filesystem::path ca_bundle)
      : contexts_(std::make_shared<TlsContexts>(std::move(ca_bundle))) {}

  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(ConnectRequest request) override {
    const SteadyTime deadline =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(request.timeout);
    Result<Endpoints> resolved = co_await resolve_host(request.host, request.port, deadline);
    if (!resolved) co_return resolved.error();
    Endpoints endpoints = interleaved(*resolved);
    if (request.public_addresses_only) {
      std::erase_if(endpoints, [](const tcp::endpoint& endpoint) { return !is_public(endpoint.address()); });
    }
    if (endpoints.empty()) co_return connect_error(Errc::blocked_address, request.host);

    asio::any_io_executor executor = co_await asio::this_coro::executor;
    ConnectRace race(executor, std::move(endpoints));
    Result<tcp::socket> connected = co_await race.run(deadline, request.host);
    if (!connected) co_return connected.error();
    Result<std::unique_ptr<SocketStream>> stream = make_stream(*std::move(connected), request.host);
    if (!stream) co_return stream.error();
    if (!request.secure) co_return std::unique_ptr<ByteStream>(*std::move(stream));

    TlsRequest secure(request.host, request.port, std::move(request.tls));
    secure.timeout = deadline - std::chrono::steady_clock::now();
    const Result<void> secured = co_await (*stream)->start_tls(std::move(secure));
    if (!secured) co_return secured.error();
    co_return std::unique_ptr<ByteStream>(*std::move(stream));
  }

 private:
  Result<std::unique_ptr<SocketStream>> make_stream(tcp::socket socket, const std::string& host) const {
    std::error_code ec;
    const tcp::endpoint peer = socket.remote_endpoint(ec);
    if (!ec) socket.native_non_blocking(true, ec);
    if (!ec) socket.set_option(tcp::no_delay(true), ec);
    if (ec) return Error(ec, ErrorContext::transport, host);
    return std::make_unique<SocketStream>(std::move(socket), is_public(peer.address()), contexts_);
  }

  const std::shared_ptr<TlsContexts> contexts_;
};

}  // namespace

std::vector<asio::ip::tcp::endpoint> interleaved(const std::vector<asio::ip::tcp::endpoint>& endpoints) {
  Endpoints preferred, other;
  for (const tcp::endpoint& endpoint : endpoints) {
    (endpoint.protocol() == endpoints.front().protocol() ? preferred : other).push_back(endpoint);
  }
  Endpoints result;
  for (std::size_t i = 0; i < std::max(preferred.size(), other.size()); ++i) {
    if (i < preferred.size()) result.push_back(preferred[i]);
    if (i < other.size()) result.push_back(other[i]);
  }
  return result;
}

std::shared_ptr<Network> make_socket_network(const std::filesystem::path& ca_bundle) {
  return std::make_shared<SocketNetwork>(ca_bundle);
}

}  // namespace bgxfer::inline v0::http::detail
