#include "wire.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <asio/ip/address.hpp>

#include "../http/address.hpp"

namespace bgxfer::inline v0::httplib::detail {

namespace {

Error system_failure(int code) { return Error(std::error_code(code, std::system_category()), ErrorContext::transport); }

}  // namespace

Wire::Wire(int socket, SSL* ssl) noexcept : socket_(socket), ssl_(ssl) {
  // Only a call that never waits inside can keep a deadline: half a TLS record may take for ever.
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL, 0) | O_NONBLOCK);
}

bool Wire::public_peer() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[NI_MAXHOST];
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) {
    return false;
  }
  asio::error_code unreadable;
  const asio::ip::address peer = asio::ip::make_address(text, unreadable);
  return !unreadable && http::detail::is_public(peer);
}

Result<void> Wire::wait_for(short events, TimePoint deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto patience = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max());
    pollfd waiting{socket_, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(patience));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_failure(errno);
    if (ready == 0) return Error(Errc::stalled, ErrorContext::transport);
  }
}

/// Calls `operation` until it has moved bytes, has met the end, or has failed. On a plain socket it waits for `events`;
/// TLS says itself what it waits for.
template <class Operation>
Result<std::size_t> Wire::repeat(Operation operation, short events, TimePoint deadline) {
  for (;;) {
    ERR_clear_error();
    const long count = operation();
    if (count > 0) return static_cast<std::size_t>(count);
    if (ssl_) {
      const int code = SSL_get_error(ssl_, static_cast<int>(count));
      if (code == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE) return tls_failure(code);
      events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    } else {
      if (count == 0) return std::size_t{0};
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return system_failure(errno);
    }
    const Result<void> ready = wait_for(events, deadline);
    if (!ready) return ready.error();
  }
}

Result<std::size_t> Wire::read(std::span<std::byte> into, TimePoint deadline) {
  const auto count = static_cast<int>(std::min<std::size_t>(into.size(), std::numeric_limits<int>::max()));
  const auto operation = [&]() -> long {
    return ssl_ ? SSL_read(ssl_, into.data(), count) : ::recv(socket_, into.data(), into.size(), 0);
  };
  return repeat(operation, POLLIN, deadline);
}

Result<std::size_t> Wire::write(std::span<const std::byte> bytes, TimePoint deadline) {
  const auto count = static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
  const auto operation = [&]() -> long {
    return ssl_ ? SSL_write(ssl_, bytes.data(), count) : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  };
  return repeat(operation, POLLOUT, deadline);
}

Error Wire::tls_failure(int code) const {
  const int system_error = errno;
  const unsigned long reason = ERR_peek_error();
  ERR_clear_error();
  if (ERR_GET_LIB(reason) == ERR_LIB_SSL && ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return Error(Errc::connection_closed, ErrorContext::transport,
                 "the connection ended without TLS's closing message");
  }
  if (code == SSL_ERROR_SYSCALL && system_error != 0) return system_failure(system_error);
  const char* text = ERR_reason_error_string(reason);
  return Error(Errc::tls_failed, ErrorContext::transport, text ? text : "unknown reason");
}

}  // namespace bgxfer::inline v0::httplib::detail
