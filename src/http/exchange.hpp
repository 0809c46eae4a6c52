#ifndef BGXFER_HTTP_EXCHANGE_HPP
#define BGXFER_HTTP_EXCHANGE_HPP

#include <memory>
#include <optional>

#include <bgxfer/clock.hpp>
#include <bgxfer/transport.hpp>

#include "body_reader.hpp"
#include "connection.hpp"
#include "head.hpp"
#include "pool.hpp"

namespace bgxfer::inline v0::http::detail {

/// How long an exchange may take, and how large its head may be.
struct ExchangeLimits {
  Clock::Duration first_byte_timeout =
      std::chrono::seconds{60};                              ///< From the end of the request to the end of the head.
  Clock::Duration stall_timeout = std::chrono::seconds{60};  ///< For each read of the body, each write of the request.
  /// A body that brings less than this on average over `slow_after` of waiting is given up. 0: never.
  std::uint64_t slow_bytes_per_second = 0;
  Clock::Duration slow_after = std::chrono::minutes{10};
  HeadLimits head{};
};

/// A connection on which the next request continues what the last one began, with the right to it.
struct BoundConnection {
  BoundConnection(Pool::Lease its_lease, std::unique_ptr<Connection> its_connection)
      : lease(std::move(its_lease)), connection(std::move(its_connection)) {}
  Pool::Lease lease;
  std::unique_ptr<Connection> connection;
};

/// One request and its response on one connection.
///
/// Owns the connection until the body has been read to its end, then hands it to the pool with the lease; in every
/// other case closes it. Used by one coroutine at a time, on one executor.
class Exchange {
 public:
  Exchange(Pool::Lease lease, std::unique_ptr<Connection> connection, const asio::any_io_executor& executor,
           std::shared_ptr<Clock> clock, ExchangeLimits limits);

  /// Sends the request and resolves when the head of the final response is there.
  asio::awaitable<Result<void>> run(const Request& request, std::string head);

  [[nodiscard]] Head& head() noexcept { return parser_.head(); }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  /// Whether any byte of a response has arrived: until then a kept connection may simply have been dead.
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  [[nodiscard]] bool timed_out() const noexcept { return watchdog_ && watchdog_->barked(); }
  [[nodiscard]] bool public_peer() const noexcept { return public_peer_; }

  /// Says how many bytes may be delivered; before the first `read`.
  void expect_body(std::uint64_t length_max);
  /// As `Download::read`.
  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into);
  /// For a response whose body nobody wants: keeps the connection if that body has arrived already, else closes it.
  void discard_body();

  /// Reads a body that nobody wants to its end, and gives the connection to whoever has to go on there; empty if it
  /// cannot be used again.
  asio::awaitable<std::unique_ptr<BoundConnection>> bound_connection();

  /// Takes the lease out, to try again on another connection.
  [[nodiscard]] Pool::Lease take_lease();

 private:
  asio::awaitable<Result<void>> send(const Request& request, std::string head);
  asio::awaitable<Result<void>> receive_head();
  asio::awaitable<Result<std::size_t>> read_stream(std::span<std::byte> into);
  [[nodiscard]] bool too_slow(Clock::Duration waited, std::size_t bytes) noexcept;
  Error explained(const Error& error) const;
  void finish();
  void abandon() noexcept;

  std::optional<Pool::Lease> lease_;
  std::unique_ptr<Connection> connection_;
  asio::any_io_executor executor_;
  std::shared_ptr<Clock> clock_;
  ExchangeLimits limits_;
  Watchdog* watchdog_ = nullptr;  // Of the connection, as long as that is ours.
  HeadParser parser_;
  Framing framing_{};
  std::optional<BodyReader> body_{};
  std::string method_{};
  bool body_failed_ = false;  ///< The request's: nobody has more of it.
  bool whole_ = false;        ///< The request was sent to its end.
  bool answered_ = false;
  bool bound_ = false;  // The connection is for `bound_connection`, not for the pool.
  bool public_peer_;
  std::optional<Error> failure_{};

  // Since the speed was last judged.
  Clock::Duration waited_{};
  std::uint64_t waited_bytes_ = 0;
  bool slow_ = false;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
