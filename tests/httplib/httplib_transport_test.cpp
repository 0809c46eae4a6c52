#include <bgxfer/httplib/httplib_transport.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/steady_timer.hpp>

#include "contract/transport_contract.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"
#include "support/tls_authority.hpp"

using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::Failure;
using bgxfer::Request;
using http_test::always;
using http_test::CertificateWish;
using http_test::fetch;
using http_test::ok;
using http_test::once;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;
using http_test::ServerTls;

namespace {

std::shared_ptr<bgxfer::Transport> transport() { return bgxfer::httplib::make_transport(); }

const http_test::TlsAuthority& authority() {
  static const http_test::TlsAuthority made;
  return made;
}

bgxfer::httplib::TransportOptions trusting() {
  bgxfer::httplib::TransportOptions options;
  options.ca_bundle = authority().file();
  return options;
}

Outcome fetch_from(const CertificateWish& wish, std::string_view host = "127.0.0.1") {
  const ServerTls tls = authority().server(wish);
  ScriptServer server(always(ok("secret")), tls.get());
  return fetch(bgxfer::httplib::make_transport(trusting()), server.url("/file", host));
}

bgxfer::Header header(std::string name, std::string value) {
  bgxfer::Header made;
  made.name = std::move(name);
  made.value = std::move(value);
  return made;
}

std::string redirect_to(const std::string& location) {
  return "HTTP/1.1 307 Elsewhere\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
}

class NoBody final : public bgxfer::RequestBody {
 public:
  std::uint64_t size() const noexcept override { return 0; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte>) override { co_return std::size_t{0}; }
};

}  // namespace

TEST_CASE("the transport through cpp-httplib keeps the contract of transports") {
  http_test::check_transport_contract(transport);
}

TEST_CASE("what cpp-httplib would decode arrives as it was sent") {
  // On its own it turns the %2B of a signature into a plus, which is a space to many servers.
  std::string asked;
  ScriptServer server([&asked](Peer& peer, int number) {
    asked = peer.read_head();
    peer.write(number == 0 ? redirect_to("/a%2Fb?sig=x%2By%3D") : ok("x", "ETag: \"50%25-%0d%0a\"\r\n"));
  });
  const Outcome outcome = fetch(transport(), server.url());
  CHECK(outcome.body == "x");
  CHECK(asked.starts_with("GET /a%2Fb?sig=x%2By%3D HTTP/1.1\r\n"));
  CHECK(outcome.head.validator == "\"50%25-%0d%0a\"");
}

TEST_CASE("a chunked body that breaks off is truncated wherever it breaks, and damage is no end") {
  const std::string body = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    CAPTURE(cut);
    ScriptServer server(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.substr(0, cut)));
    const Outcome outcome = fetch(transport(), server.url());
    CHECK(outcome.code() == Errc::body_truncated);
    CHECK(std::string("abcde").starts_with(outcome.body));
  }
  for (const char* damaged :
       {"3\r\nabcX\r\n0\r\n\r\n", "-2\r\nab", "fffffffffffffffff\r\n", "3 \rabc", "3\nabc\n0\n\n"}) {
    CAPTURE(damaged);
    ScriptServer server(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(damaged)));
    CHECK(fetch(transport(), server.url()).code() == Errc::invalid_response);
  }
}

TEST_CASE("a large chunked body with trailers arrives whole through small buffers") {
  std::string text;
  std::string wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t size : {1u, 0xabu, 0x4000u, 0x23456u, 3u, 0x7ffffu}) {
    const std::string chunk(size, static_cast<char>('a' + size % 26));
    text += chunk;
    char line[32];
    std::snprintf(line, sizeof line, "%zx\r\n", size);
    wire += line + chunk + "\r\n";
  }
  wire += "0\r\nX-Trailer: 1\r\n\r\n";
  ScriptServer server(always(wire));
  for (std::size_t chunk_bytes : {7u, 1000u, 1024u * 1024u}) {
    const Outcome outcome = fetch(transport(), Request(server.url()), chunk_bytes);
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == text);
  }
}

TEST_CASE("a chunk is delivered while the next one is awaited") {
  std::mutex mutex;
  std::condition_variable changed;
  bool delivered = false;
  ScriptServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 10s, [&] { return delivered; });
    if (delivered) peer.write("2\r\nde\r\n0\r\n\r\n");
  });
  std::string body;
  asio::io_context io;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, auto tell, std::string& text) -> asio::awaitable<void> {
        auto opened = co_await shared->open(Request(url));
        std::byte buffer[64];
        for (;;) {
          const bgxfer::Result<std::size_t> count = co_await (*opened)->read(buffer);
          if (!count || *count == 0) break;
          text.append(reinterpret_cast<const char*>(buffer), *count);
          tell();
        }
      }(
                                                                         transport(), server.url(),
                                                                         [&] {
                                                                           const std::lock_guard lock(mutex);
                                                                           delivered = true;
                                                                           changed.notify_one();
                                                                         },
                                                                         body),
      http_test::rethrow);
  io.run();
  CHECK(body == "abcde");
}

TEST_CASE("heads are read by the strict rules, within limits") {
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  ScriptServer interim(once(hint + hint + ok("x")));
  CHECK(fetch(transport(), interim.url()).body == "x");

  for (const char* head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\nContent-Length: 3\r\n\r\nabc", "ICY 200 OK\r\n\r\n"}) {
    CAPTURE(head);
    ScriptServer server(once(head));
    CHECK(fetch(transport(), server.url()).code() == Errc::invalid_response);
  }
  for (const char* piece : {"HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: "}) {
    CAPTURE(piece);
    ScriptServer server([piece](Peer& peer, int) {
      peer.read_head();
      peer.write(piece);
      while (peer.write(std::string(4096, 'a'))) {
      }
    });
    CHECK(fetch(transport(), server.url()).code() == Errc::response_too_large);
  }
}

TEST_CASE("a body to the end of the connection is delivered, and not called proven") {
  ScriptServer server(once("HTTP/1.0 200 OK\r\n\r\nold"));
  const Outcome outcome = fetch(transport(), server.url());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "old");
  CHECK_FALSE(outcome.head.delimited);
}

TEST_CASE("a method without a body in its answer ends at once") {
  std::string asked;
  ScriptServer server([&asked](Peer& peer, int) {
    asked = peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  });
  Request request(server.url());
  request.method = "HEAD";
  const Outcome outcome = fetch(transport(), std::move(request));
  CHECK_FALSE(outcome.error);
  CHECK(outcome.opened);
  CHECK(outcome.body.empty());
  CHECK(asked.starts_with("HEAD /file HTTP/1.1\r\n"));
}

TEST_CASE("a request with a body is refused, before anything is sent") {
  ScriptServer server(always(ok("")));
  Request request(server.url());
  request.method = "PUT";
  request.body = std::make_shared<NoBody>();
  CHECK(fetch(transport(), std::move(request)).code() == Errc::invalid_argument);
  CHECK(server.connections() == 0);
}

TEST_CASE("headers of the caller are sent, and stay with the origin") {
  std::string first, second;
  ScriptServer target([&second](Peer& peer, int) {
    second = peer.read_head();
    peer.write(ok("x"));
  });
  ScriptServer origin([&](Peer& peer, int) {
    first = peer.read_head();
    peer.write(redirect_to(target.url("/t")));
  });
  Request request(origin.url());
  for (const char* name : {"Authorization", "Cookie", "X-Api-Key", "aCCept-language"}) {
    request.headers.push_back(header(name, "marker"));
  }
  CHECK(fetch(transport(), std::move(request)).body == "x");
  CHECK(first.find("Authorization: marker\r\n") != std::string::npos);
  CHECK(first.find("User-Agent: bgxfer\r\n") != std::string::npos);
  for (const char* name : {"Authorization", "Cookie", "X-Api-Key"}) CHECK(second.find(name) == std::string::npos);
  CHECK(second.find("aCCept-language: marker\r\n") != std::string::npos);
}

TEST_CASE("redirects end: loops, long ways, foreign schemes, and from https to http") {
  ScriptServer loop(always(redirect_to("/file")));
  CHECK(fetch(transport(), loop.url()).code() == Errc::too_many_redirects);

  ScriptServer long_way([](Peer& peer, int number) {
    peer.read_head();
    peer.write(redirect_to("/" + std::to_string(number)));
  });
  CHECK(fetch(transport(), long_way.url()).code() == Errc::too_many_redirects);
  CHECK(long_way.connections() == 11);

  ScriptServer foreign(always(redirect_to("file:///etc/passwd")));
  CHECK(fetch(transport(), foreign.url()).code() == Errc::invalid_response);

  ScriptServer clear(always(ok("x")));
  const ServerTls tls = authority().server({});
  ScriptServer secure(always(redirect_to(clear.url())), tls.get());
  const auto shared = bgxfer::httplib::make_transport(trusting());
  CHECK(fetch(shared, secure.url()).code() == Errc::redirect_refused);
  CHECK(clear.connections() == 0);
  Request allowed(secure.url());
  allowed.redirects.allow_https_to_http = true;
  CHECK(fetch(shared, std::move(allowed)).body == "x");
}

TEST_CASE("a server that accepts and never answers is given up after the first-byte timeout") {
  for (bool trickles : {false, true}) {
    CAPTURE(trickles);
    ScriptServer server([trickles](Peer& peer, int) {
      peer.read_head();
      if (trickles) peer.write("HTTP/1.1 2");
      peer.wait_for_client();
    });
    bgxfer::httplib::TransportOptions options;
    options.first_byte_timeout = 50ms;
    CHECK(fetch(bgxfer::httplib::make_transport(options), server.url()).code() == Errc::response_timeout);
  }
}

TEST_CASE("a body that stops coming is stalled, and what arrived is kept") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    peer.wait_for_client();
  });
  bgxfer::httplib::TransportOptions options;
  options.stall_timeout = 50ms;
  const Outcome outcome = fetch(bgxfer::httplib::make_transport(options), server.url());
  CHECK(outcome.body == "some");
  CHECK(outcome.code() == Errc::stalled);
}

TEST_CASE("time in which nobody asks is no stall") {
  std::mutex mutex;
  std::condition_variable changed;
  bool rested = false;
  ScriptServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsome");
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 10s, [&] { return rested; });
    peer.write("more");
  });
  bgxfer::httplib::TransportOptions options;
  options.stall_timeout = 200ms;
  Outcome outcome;
  asio::io_context io;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, auto rest_over, Outcome& result) -> asio::awaitable<void> {
        auto opened = co_await shared->open(Request(url));
        std::byte buffer[4];
        for (;;) {
          const bgxfer::Result<std::size_t> count = co_await (*opened)->read(buffer);
          if (!count) result.error = count.error();
          if (!count || *count == 0) break;
          result.body.append(reinterpret_cast<const char*>(buffer), *count);
          asio::steady_timer rest(co_await asio::this_coro::executor, 300ms);
          co_await rest.async_wait(asio::use_awaitable);
          rest_over();
        }
      }(
                                                                            bgxfer::httplib::make_transport(options),
                                                                            server.url(),
                                                                            [&] {
                                                                              const std::lock_guard lock(mutex);
                                                                              rested = true;
                                                                              changed.notify_one();
                                                                            },
                                                                            outcome),
      http_test::rethrow);
  io.run();
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "somemore");
}

TEST_CASE("transfers beyond the limit wait for a free thread") {
  std::atomic<int> now{0}, most{0};
  ScriptServer server([&](Peer& peer, int) {
    peer.read_head();
    const int count = ++now;
    int seen = most;
    while (seen < count && !most.compare_exchange_weak(seen, count)) {
    }
    --now;
    peer.write(ok("x"));
  });
  bgxfer::httplib::TransportOptions options;
  options.transfers_max = 2;
  const auto shared = bgxfer::httplib::make_transport(options);
  asio::io_context io;
  std::vector<Outcome> outcomes(20);
  for (Outcome& outcome : outcomes) {
    asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), outcome), http_test::rethrow);
  }
  io.run();
  for (const Outcome& outcome : outcomes) CHECK(outcome.body == "x");
  CHECK(most <= 2);
  CHECK(server.connections() == 20);
}

TEST_CASE("a coroutine that waits for a thread can be cancelled, and its place is passed on") {
  asio::io_context io;
  asio::cancellation_signal cancel;
  ScriptServer server([&](Peer& peer, int number) {
    peer.read_head();
    if (number == 0) asio::post(io, [&cancel] { cancel.emit(asio::cancellation_type::terminal); });
    peer.write(ok("x"));
  });
  bgxfer::httplib::TransportOptions options;
  options.transfers_max = 1;
  const auto shared = bgxfer::httplib::make_transport(options);
  Outcome first, second, third;
  bool ended = false;
  asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), first), http_test::rethrow);
  asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), second),
                 asio::bind_cancellation_slot(cancel.slot(), [&ended](std::exception_ptr) { ended = true; }));
  asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), third), http_test::rethrow);
  io.run();
  CHECK(ended);
  CHECK(first.body == "x");
  CHECK(third.body == "x");
}

TEST_CASE("a read after a cancelled one fails, and touches nothing") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    peer.wait_for_client();
  });
  asio::io_context io;
  asio::cancellation_signal cancel;
  std::vector<std::error_code> ends;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, auto cancel_later, std::vector<std::error_code>& codes)
          -> asio::awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto opened = co_await shared->open(Request(url));
        std::byte buffer[64];
        while (codes.size() < 2) {
          const bgxfer::Result<std::size_t> count = co_await (*opened)->read(buffer);
          if (count) cancel_later();
          if (!count) codes.push_back(count.error().code());
        }
      }(
              transport(), server.url(),
              [&] { asio::post(io, [&cancel] { cancel.emit(asio::cancellation_type::terminal); }); }, ends),
      asio::bind_cancellation_slot(cancel.slot(), http_test::rethrow));
  io.run();
  const std::error_code cancelled = Errc::cancelled;
  CHECK(ends == std::vector<std::error_code>{cancelled, cancelled});
}

TEST_CASE("an io_context that dies takes its downloads along and leaves the transport usable") {
  ScriptServer server([](Peer& peer, int number) {
    peer.read_head();
    if (number > 0) {
      peer.write(ok("alive"));
      return;
    }
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    peer.wait_for_client();
  });
  bgxfer::httplib::TransportOptions options;
  options.transfers_max = 1;
  const auto shared = bgxfer::httplib::make_transport(options);
  Outcome stuck, waiting;
  {
    asio::io_context io;
    asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), stuck), http_test::rethrow);
    asio::co_spawn(io, http_test::fetch_into(shared, Request(server.url()), waiting), http_test::rethrow);
    while (stuck.body.empty()) io.run_one();
  }
  CHECK(fetch(shared, server.url()).body == "alive");
}

TEST_CASE("a download outlives its transport, and an unread one ends with its owner") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write(ok(std::string(3'000'000, 'x')));
  });
  Outcome outcome;
  asio::io_context io;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, Outcome& result) -> asio::awaitable<void> {
        auto unread = co_await shared->open(Request(url));
        auto opened = co_await shared->open(Request(url));
        shared.reset();
        unread->reset();
        std::vector<std::byte> buffer(100'000);
        for (;;) {
          const bgxfer::Result<std::size_t> count = co_await (*opened)->read(buffer);
          if (!count) result.error = count.error();
          if (!count || *count == 0) break;
          result.body.append(reinterpret_cast<const char*>(buffer.data()), *count);
        }
      }(transport(), server.url(), outcome),
      http_test::rethrow);
  io.run();
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == std::string(3'000'000, 'x'));
}

TEST_CASE("a verified server is spoken to, and a large body arrives whole through TLS") {
  CHECK(fetch_from({}).body == "secret");
  CHECK(fetch_from({}, "localhost").body == "secret");

  std::string text;
  while (text.size() < 5'000'000) text += "a pattern that does not repeat at a power of two; ";
  const ServerTls tls = authority().server({});
  ScriptServer server(always(ok(text)), tls.get());
  const Outcome outcome = fetch(bgxfer::httplib::make_transport(trusting()), server.url());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == text);
}

TEST_CASE("a certificate that proves too little is refused by the rules of the native transport") {
  const auto refused = [](Errc code, const char* host, auto edit) {
    CertificateWish wish;
    edit(wish);
    CAPTURE(wish.names);
    const Outcome outcome = fetch_from(wish, host);
    CHECK(outcome.code() == code);
    CHECK(outcome.body.empty());
  };
  refused(Errc::certificate_expired, "127.0.0.1", [](CertificateWish& w) { w.valid_until_seconds = -10; });
  refused(Errc::certificate_wrong_host, "127.0.0.1", [](CertificateWish& w) { w.names = "IP:127.0.0.2"; });
  refused(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:example.org"; });
  // cpp-httplib's own rules would accept these three.
  refused(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:local*"; });
  refused(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:*"; });
  refused(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) {
    w.names = "";
    w.common_name = "localhost";
  });
  refused(Errc::certificate_wrong_usage, "127.0.0.1", [](CertificateWish& w) { w.usage = "clientAuth"; });
  refused(Errc::certificate_untrusted, "127.0.0.1", [](CertificateWish& w) { w.self_signed = true; });
}

TEST_CASE("a bundle that cannot be read is an error that names it") {
  const ServerTls tls = authority().server({});
  ScriptServer server(always(ok("x")), tls.get());
  bgxfer::httplib::TransportOptions options;
  options.ca_bundle = "/nowhere/bundle.pem";
  const Outcome outcome = fetch(bgxfer::httplib::make_transport(options), server.url());
  REQUIRE(outcome.error);
  CHECK(outcome.code() == Errc::certificate_untrusted);
  CHECK(outcome.error->message().find("/nowhere/bundle.pem") != std::string::npos);
}

TEST_CASE("a body to the end of a TLS connection that is cut is truncated, not whole") {
  const ServerTls tls = authority().server({});
  ScriptServer server(
      [](Peer& peer, int) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\n\r\nhalf");
        peer.skip_close_notify = true;
      },
      tls.get());
  const Outcome outcome = fetch(bgxfer::httplib::make_transport(trusting()), server.url());
  CHECK(outcome.body == "half");
  REQUIRE(outcome.error);
  CHECK(outcome.code() == Failure::transient);
}

TEST_CASE("an error names the URL without its query") {
  ScriptServer server(once("nonsense\r\n"));
  const Outcome outcome = fetch(transport(), server.url("/path?secret=1"));
  REQUIRE(outcome.error);
  CHECK(outcome.error->message().find("/path") != std::string::npos);
  CHECK(outcome.error->message().find("secret") == std::string::npos);
}
