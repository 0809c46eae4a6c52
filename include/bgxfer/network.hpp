#ifndef BGXFER_NETWORK_HPP
#define BGXFER_NETWORK_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// How to make a stream a secure one.
struct TlsRequest {
  TlsRequest(std::string host_name, std::uint16_t port_number, TlsOptions tls)
      : host(std::move(host_name)), port(port_number), options(std::move(tls)) {}

  std::string host;  ///< Whom the certificate must name: as in `ConnectRequest`.
  std::uint16_t port;
  TlsOptions options;
  std::chrono::nanoseconds timeout = std::chrono::seconds{30};  ///< For the handshake.
};

/// A connection: bytes both ways, in order. Used by one coroutine at a time, but for `close`.
class BGXFER_API ByteStream {
 public:
  /// Closes the connection.
  virtual ~ByteStream();

  /// Fills the front of `into` with at least one byte and resolves with the count; 0 means that the peer
  /// ended the stream properly (over TLS: with close_notify). `into` stays valid until the awaitable resolves.
  virtual asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;

  /// Resolves when all of `bytes` are on their way. `bytes` stay valid until the awaitable resolves.
  virtual asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) = 0;

  /// Speaks TLS from here on: over a tunnel through a proxy. Resolves when the peer is verified. Nothing has been read
  /// that the peer sent after its last plain byte. Streams without TLS keep the default, which is `Errc::tls_failed`.
  virtual asio::awaitable<Result<void>> start_tls(TlsRequest request);

  /// Ends a pending `read` or `write` with an error; later calls fail. Called on the executor of the
  /// coroutine that uses the stream.
  virtual void close() noexcept = 0;

  /// True if an idle connection may be used again: the peer has not closed it and sent nothing unasked. Does not block.
  [[nodiscard]] virtual bool reusable() noexcept = 0;

  /// False if the peer's address is one that `ConnectRequest::public_addresses_only` would have refused. Decides
  /// whether redirects may lead to such addresses. Streams without addresses keep the default, true.
  [[nodiscard]] virtual bool public_peer() const noexcept;
};

/// Whom to connect to.
struct ConnectRequest {
  explicit ConnectRequest(std::string host_name, std::uint16_t port_number, bool use_tls)
      : host(std::move(host_name)), port(port_number), secure(use_tls) {}

  std::string host;  ///< A host name without trailing dot, or an IP address without brackets.
  std::uint16_t port;
  bool secure;  ///< TLS, with `host` verified as `tls` says.
  TlsOptions tls{};
  /// Refuse addresses that a redirect from a public host must not reach: loopback, link-local, private,
  /// multicast, unspecified, and IPv4 mapped forms of these.
  bool public_addresses_only = false;
  std::chrono::nanoseconds timeout = std::chrono::seconds{30};  ///< For name resolution, TCP and TLS together.
};

/// How the HTTP transport reaches hosts: sockets and TLS in production, scripted servers in tests.
///
/// Calling rules are those of `Transport`: resumed on the caller's executor, any number of callers.
class BGXFER_API Network {
 public:
  virtual ~Network();
  virtual asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(ConnectRequest request) = 0;
};

}  // namespace bgxfer::inline v0

#endif
