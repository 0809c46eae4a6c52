#ifndef BGXFER_HTTP_SOCKS_HPP
#define BGXFER_HTTP_SOCKS_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/http/proxy.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::http::detail {

/// The client's side of SOCKS5 (RFC 1928, RFC 1929), message by message. Decides; does no I/O: send `message()`, feed
/// exactly `wanted()` bytes, and again, until `done()`.
class SocksHandshake {
 public:
  /// A tunnel to `host`, a name of at most 255 bytes or an address. `user` empty: without credentials.
  SocksHandshake(std::string host, std::uint16_t port, std::string user, std::string password);

  /// What is to be sent now; empty when there is nothing more to say before the next bytes.
  [[nodiscard]] std::vector<std::byte> message();
  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }

  /// Takes in `wanted()` bytes. Errors: `http_status(407)` for refused or missing credentials, `proxy_failed` and the
  /// system's words (connection refused, host unreachable) for what the proxy says of the server.
  [[nodiscard]] Result<void> feed(std::span<const std::byte> bytes);

 private:
  enum class State : std::uint8_t { greeting, verdict_on_user, reply, address_length, address, done };

  std::string host_;
  std::uint16_t port_;
  std::string user_;
  std::string password_;
  State state_ = State::greeting;
  std::vector<std::byte> next_;
  std::size_t wanted_ = 2;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
