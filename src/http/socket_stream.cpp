#include "socket_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>
#include <asio/cancellation_state.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "bell.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

Error socket_error(int number) {
  return Error(std::error_code(number, std::system_category()), ErrorContext::transport);
}
Error stream_closed() { return Error(Errc::connection_closed, ErrorContext::transport); }
Error stream_cancelled() { return Error(Errc::cancelled, ErrorContext::transport); }

bool would_block(int number) noexcept { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR; }

}  // namespace

SocketStream::SocketStream(asio::ip::tcp::socket socket, bool public_peer, std::shared_ptr<TlsContexts> contexts)
    : attached_(std::move(socket)),
      descriptor_(attached_->native_handle()),
      public_peer_(public_peer),
      contexts_(std::move(contexts)) {}

SocketStream::~SocketStream() {
  if (tls_ && !closed_) tls_->shut_down();
  if (attached_) {
    std::error_code ignored;
    attached_->close(ignored);
  } else {
    ::close(descriptor_);
  }
}

asio::awaitable<Result<void>> SocketStream::start_tls(TlsRequest request) {
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(request.timeout);
  Result<std::shared_ptr<TlsContext>> context = contexts_->find(request.options);
  if (!context) co_return context.error();
  Origin peer;
  peer.secure = true;
  peer.host = std::move(request.host);
  peer.port = request.port;
  Result<std::unique_ptr<TlsSession>> session = TlsSession::make(*std::move(context), descriptor_, peer);
  if (!session) co_return session.error();
  tls_ = *std::move(session);

  // A bell instead of a plain wait: it hears the socket and the deadline.
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  const Result<void> attached = attach(executor);
  if (!attached) co_return attached;
  Bell bell(executor);
  for (;;) {
    const Result<TlsSession::Step> step = tls_->handshake();
    if (!step) co_return step.error();
    if (step->want == Want::nothing) co_return Result<void>{};

    const auto readiness =
        step->want == Want::read ? asio::ip::tcp::socket::wait_read : asio::ip::tcp::socket::wait_write;
    attached_->async_wait(readiness, bell.button());
    co_await bell.heard_by(deadline);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return stream_cancelled();
    if (std::chrono::steady_clock::now() >= deadline) {
      co_return Error(Errc::connect_timeout, ErrorContext::transport, peer.host + ": the TLS handshake");
    }
  }
}

asio::awaitable<Result<std::size_t>> SocketStream::read(std::span<std::byte> into) {
  if (immediate_bytes_ >= immediate_bytes_max) {
    immediate_bytes_ = 0;
    co_await asio::post(asio::use_awaitable);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return stream_cancelled();
  }
  for (;;) {
    const Result<TlsSession::Step> step = read_now(into);
    if (!step) co_return step.error();
    immediate_bytes_ += std::max(step->bytes, immediate_read_bytes_min);
    if (step->want == Want::nothing) co_return step->bytes;
    immediate_bytes_ = 0;
    const Result<void> waited = co_await ready(step->want);
    if (!waited) co_return waited.error();
  }
}

asio::awaitable<Result<void>> SocketStream::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const Result<TlsSession::Step> step = write_now(bytes);
    if (!step) co_return step.error();
    bytes = bytes.subspan(step->bytes);
    if (step->want == Want::nothing) continue;
    const Result<void> waited = co_await ready(step->want);
    if (!waited) co_return waited.error();
  }
  co_return Result<void>{};
}

void SocketStream::close() noexcept {
  // The descriptor stays open until the destructor, so this cannot hit another file, and whoever waits wakes up.
  closed_ = true;
  ::shutdown(descriptor_, SHUT_RDWR);
}

bool SocketStream::reusable() noexcept {
  detach();
  if (closed_) return false;
  if (tls_) return tls_->quiet();
  char byte = 0;
  const ssize_t count = ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && would_block(errno);
}

Result<TlsSession::Step> SocketStream::read_now(std::span<std::byte> into) {
  if (closed_) return stream_closed();
  if (tls_) return tls_->read(into);
  const ssize_t count = ::recv(descriptor_, into.data(), into.size(), 0);
  if (count >= 0 && closed_) return stream_closed();  // Our own shutdown looks like the peer's.
  if (count >= 0) return TlsSession::Step{Want::nothing, static_cast<std::size_t>(count)};
  if (would_block(errno)) return TlsSession::Step{Want::read, 0};
  return socket_error(errno);
}

Result<TlsSession::Step> SocketStream::write_now(std::span<const std::byte> bytes) {
  if (closed_) return stream_closed();
  if (tls_) return tls_->write(bytes);
  const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return TlsSession::Step{Want::nothing, static_cast<std::size_t>(count)};
  if (would_block(errno)) return TlsSession::Step{Want::write, 0};
  return socket_error(errno);
}

asio::awaitable<Result<void>> SocketStream::ready(Want want) {
  // A cancellation that came while nothing was pending left no trace but this.
  asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return stream_cancelled();
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  const Result<void> attached = attach(executor);
  if (!attached) co_return attached;

  std::error_code ec;
  const auto readiness = want == Want::read ? asio::ip::tcp::socket::wait_read : asio::ip::tcp::socket::wait_write;
  co_await attached_->async_wait(readiness, asio::redirect_error(asio::use_awaitable, ec));
  if (closed_) co_return stream_closed();
  if (ec == asio::error::operation_aborted) co_return stream_cancelled();
  if (ec) co_return Error(ec, ErrorContext::transport);
  co_return Result<void>{};
}

Result<void> SocketStream::attach(const asio::any_io_executor& executor) {
  if (attached_) return {};
  attached_.emplace(executor);
  std::error_code ec;
  // The protocol is only remembered, for options that nobody sets any more.
  attached_->assign(asio::ip::tcp::v4(), descriptor_, ec);
  if (!ec) return {};
  attached_.reset();
  return Error(ec, ErrorContext::transport);
}

void SocketStream::detach() noexcept {
  if (!attached_) return;
  std::error_code ec;
  attached_->release(ec);
  if (ec) {
    closed_ = true;
    return;
  }
  attached_.reset();
}

}  // namespace bgxfer::inline v0::http::detail
