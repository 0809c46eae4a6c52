#include "tunnel.hpp"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <asio/this_coro.hpp>

#include "body.hpp"
#include "socks.hpp"
#include "watchdog.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// A proxy that asks again and again is given up.
constexpr int connect_attempts_max = 4;
/// Of a refusal, where its connection is needed.
constexpr std::uint64_t tunnel_refusal_bytes_max = 256 * 1024;

std::string proxy_name(const Proxy& proxy) {
  Origin origin;
  origin.host = proxy.host;
  origin.port = proxy.port;
  return "proxy " + origin.authority();
}

Error at_proxy(const Error& error, const Proxy& proxy) {
  const std::string detail = error.detail().empty() ? std::string() : ": " + error.detail();
  return Error(error.code(), error.context(), proxy_name(proxy) + detail);
}

asio::awaitable<Result<void>> read_all(ByteStream& stream, std::span<std::byte> into) {
  while (!into.empty()) {
    const Result<std::size_t> count = co_await stream.read(into);
    if (!count) co_return count.error();
    if (*count == 0) co_return Error(Errc::proxy_failed, ErrorContext::transport, "it closed the connection");
    into = into.subspan(*count);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> shake_hands(ByteStream& stream, SocksHandshake& handshake) {
  std::vector<std::byte> buffer;
  while (!handshake.done()) {
    const std::vector<std::byte> message = handshake.message();
    if (!message.empty()) {
      const Result<void> sent = co_await stream.write(message);
      if (!sent) co_return sent;
    }
    buffer.resize(handshake.wanted());
    const Result<void> received = co_await read_all(stream, buffer);
    if (!received) co_return received;
    const Result<void> judged = handshake.feed(buffer);
    if (!judged) co_return judged;
  }
  co_return Result<void>{};
}

/// Sends one CONNECT and reads what the proxy answers, byte by byte: what follows the head is the server's.
asio::awaitable<Result<void>> ask_for_tunnel(ByteStream& stream, std::string text, HeadParser& parser) {
  const Result<void> sent = co_await stream.write(std::as_bytes(std::span(text)));
  if (!sent) co_return sent;
  std::byte buffer[1];
  while (!parser.done()) {
    const Result<void> received = co_await read_all(stream, buffer);
    if (!received) co_return received;
    const Result<std::size_t> taken = parser.feed(buffer);
    if (!taken) co_return taken.error();
  }
  co_return Result<void>{};
}

/// Reads the body of a refusal, so that the next attempt can go over the same connection.
asio::awaitable<Result<void>> skip_refusal(ByteStream& stream, const Head& head) {
  const Result<Framing> framing = framing_of(head, "CONNECT");
  if (!framing) co_return framing.error();
  const bool known = framing->kind == Framing::Kind::length || framing->kind == Framing::Kind::none;
  if (!known || framing->length > tunnel_refusal_bytes_max || !head.keeps_alive()) {
    co_return Error(Errc::proxy_failed, ErrorContext::transport, "it closes the connection in the middle of a proof");
  }
  std::vector<std::byte> body(framing->length);
  co_return co_await read_all(stream, body);
}

std::string connect_text(const Origin& server, const std::string& user_agent, const std::optional<std::string>& proof) {
  const bool bare_ipv6 = server.host.find(':') != std::string::npos;
  const std::string target = (bare_ipv6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
  std::string text = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!user_agent.empty()) text += "User-Agent: " + user_agent + "\r\n";
  if (proof) text += "Proxy-Authorization: " + *proof + "\r\n";
  return text += "\r\n";
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<ByteStream>>> open_tunnel(const TunnelTools& tools, const Proxy& proxy,
                                                                 const Origin& server, Authenticator& proof) {
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  const std::string target = server.host + ":" + std::to_string(server.port);
  std::unique_ptr<ByteStream> stream;
  for (int attempt = 1;; ++attempt) {
    const Result<void> consulted = co_await GssThread::consult(tools.gss, proof);
    if (!consulted) co_return consulted.error();
    if (proof.gave_up()) {
      co_return Error(http_status(407), ErrorContext::transport, proxy_name(proxy) + ": " + proof.why());
    }
    if (!stream) {
      ConnectRequest wanted(proxy.host, proxy.port, false);
      wanted.timeout = tools.timeout;
      Result<std::unique_ptr<ByteStream>> connected = co_await tools.network.connect(std::move(wanted));
      if (!connected) co_return at_proxy(connected.error(), proxy);
      stream = *std::move(connected);
    }
    std::optional<Watchdog> watchdog(std::in_place, executor, tools.clock, tools.timeout, *stream);
    watchdog->expect_within(tools.timeout);

    if (proxy.kind == ProxyKind::socks5) {
      SocksHandshake handshake(server.host, server.port, proxy.user, proxy.password);
      const Result<void> shaken = co_await shake_hands(*stream, handshake);
      if (!shaken && watchdog->barked())
        co_return Error(Errc::connect_timeout, ErrorContext::transport, proxy_name(proxy));
      if (!shaken) co_return at_proxy(shaken.error(), proxy);
      co_return std::move(stream);
    }

    HeadParser parser(tools.head);
    std::string text = connect_text(server, tools.user_agent, proof.proof("CONNECT", target));
    const Result<void> answered = co_await ask_for_tunnel(*stream, std::move(text), parser);
    if (!answered && watchdog->barked())
      co_return Error(Errc::connect_timeout, ErrorContext::transport, proxy_name(proxy));
    if (!answered) co_return at_proxy(answered.error(), proxy);
    const int status = parser.head().status;
    if (status >= 200 && status <= 299) co_return std::move(stream);
    if (status != 407) {
      co_return Error(http_status(status), ErrorContext::transport, proxy_name(proxy) + ": no tunnel to " + target);
    }
    const bool again = proof.refused(parser.head());
    if (!again || attempt == connect_attempts_max) {
      co_return Error(http_status(407), ErrorContext::transport, proxy_name(proxy) + ": " + proof.why());
    }
    if (proof.bound()) {
      const Result<void> skipped = co_await skip_refusal(*stream, parser.head());
      if (!skipped) co_return at_proxy(skipped.error(), proxy);
    } else {
      watchdog.reset();  // Before what it watches.
      stream.reset();
    }
  }
}

}  // namespace bgxfer::inline v0::http::detail
