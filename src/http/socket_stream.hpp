#ifndef BGXFER_HTTP_SOCKET_STREAM_HPP
#define BGXFER_HTTP_SOCKET_STREAM_HPP

#include <atomic>
#include <memory>
#include <optional>

#include <asio/ip/tcp.hpp>

#include <bgxfer/network.hpp>

#include "tls.hpp"
#include "tls_contexts.hpp"

namespace bgxfer::inline v0::http::detail {

/// A connected socket, with or without TLS, as a `ByteStream`.
///
/// While it is idle it belongs to no executor: `reusable` takes the socket out of the `io_context` that it was used on,
/// and the next wait puts it into the one of the coroutine that waits. So a kept connection may be used from any
/// executor, and may outlive the one that it was made on. `close` is safe from any thread.
class SocketStream final : public ByteStream {
 public:
  /// What is read without waiting before other coroutines get their turn: about one chunk, so that whoever is more
  /// urgent waits for one chunk of each transfer that runs. A read counts as `immediate_read_bytes_min` at least.
  static constexpr std::size_t immediate_bytes_max = 256 * 1024;
  static constexpr std::size_t immediate_read_bytes_min = 4 * 1024;

  /// Takes over a connected, non-blocking socket.
  SocketStream(asio::ip::tcp::socket socket, bool public_peer, std::shared_ptr<TlsContexts> contexts);
  ~SocketStream() override;

  asio::awaitable<Result<void>> start_tls(TlsRequest request) override;
  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override;
  asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) override;
  void close() noexcept override;
  [[nodiscard]] bool reusable() noexcept override;
  [[nodiscard]] bool public_peer() const noexcept override { return public_peer_; }

 private:
  using Want = TlsSession::Want;

  Result<TlsSession::Step> read_now(std::span<std::byte> into);
  Result<TlsSession::Step> write_now(std::span<const std::byte> bytes);
  asio::awaitable<Result<void>> ready(Want want);
  Result<void> attach(const asio::any_io_executor& executor);
  void detach() noexcept;

  std::optional<asio::ip::tcp::socket> attached_;  // Empty while no executor is concerned.
  const int descriptor_;                           // Open as long as this lives, attached or not.
  std::unique_ptr<TlsSession> tls_;
  const bool public_peer_;
  std::shared_ptr<TlsContexts> contexts_;
  std::atomic<bool> closed_{false};
  std::size_t immediate_bytes_ = 0;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
