#ifndef BGXFER_HTTPLIB_WIRE_HPP
#define BGXFER_HTTPLIB_WIRE_HPP

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include <openssl/types.h>

#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::httplib::detail {

/// A connected socket, with or without TLS on it, read and written by one blocking thread, by deadlines.
/// Owns neither the socket nor the session; cpp-httplib does.
class Wire {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `ssl` is null for plain HTTP.
  Wire(int socket, SSL* ssl) noexcept;

  [[nodiscard]] int socket() const noexcept { return socket_; }
  /// Whether the peer's address is one of the public Internet.
  [[nodiscard]] bool public_peer() const;

  /// Reads what is there, waiting for at least a byte; 0 is the peer's orderly end. `Errc::stalled` at the deadline.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into, TimePoint deadline);
  /// Writes some of `bytes`, at least one. `Errc::stalled` at the deadline.
  [[nodiscard]] Result<std::size_t> write(std::span<const std::byte> bytes, TimePoint deadline);

 private:
  [[nodiscard]] Result<void> wait_for(short events, TimePoint deadline) const;
  template <class Operation>
  [[nodiscard]] Result<std::size_t> repeat(Operation operation, short events, TimePoint deadline);
  [[nodiscard]] Error tls_failure(int code) const;

  int socket_;
  SSL* ssl_;
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
