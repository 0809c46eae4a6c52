#include <bgxfer/http/http_transport.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <asio/strand.hpp>

#include "contract/transport_contract.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"

using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::Failure;
using bgxfer::Request;
using http_test::always;
using http_test::fetch;
using http_test::ok;
using http_test::once;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;

namespace {

bgxfer::http::TransportOptions quick() {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  return options;
}

}  // namespace

TEST_CASE("a body with a length arrives whole") {
  ScriptServer server(always(ok("hello")));
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), server.url());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "hello");
  CHECK(outcome.head.granted == ByteRange{0, 5});
  CHECK(outcome.head.resource_size == 5u);
}

TEST_CASE("the native transport keeps the contract of transports") {
  http_test::check_transport_contract([] { return bgxfer::http::make_transport(quick()); });
}

TEST_CASE("a connection is kept and used again") {
  ScriptServer server(always(ok("again")));
  const auto transport = bgxfer::http::make_transport(quick());
  for (int i = 0; i < 3; ++i)
    CHECK(fetch(transport, server.url()).body == "again");  // Each on an io_context of its own.
  CHECK(server.connections() == 3);  // quiet_connection_timeout closed each before its io_context came to rest.

  bgxfer::http::TransportOptions options = quick();
  options.quiet_connection_timeout = 10s;
  const auto keeping = bgxfer::http::make_transport(options);
  asio::io_context io;
  std::string bodies;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, std::string& text) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
          Outcome outcome;
          co_await http_test::fetch_into(shared, Request(url), outcome);
          text += outcome.body;
        }
        shared->network_changed();
      }(keeping, server.url(), bodies),
      http_test::rethrow);
  const auto begin = std::chrono::steady_clock::now();
  io.run();
  CHECK(bodies == "againagainagain");
  CHECK(server.connections() == 4);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);  // network_changed closed it, so nothing kept `run`.
}

TEST_CASE("a stale keep-alive connection is retried on a fresh one") {
  for (bool reset : {false, true}) {
    CAPTURE(reset);
    // Closes when the second request is on its way: only then the client can have taken the connection for a live one.
    ScriptServer server([reset](Peer& peer, int number) {
      peer.read_head();
      peer.write(ok("body"));
      peer.read_head();
      if (number == 0) {
        if (reset) peer.reset();
        return;
      }
      peer.write(ok("body"));
    });
    bgxfer::http::TransportOptions options = quick();
    options.quiet_connection_timeout = 10s;
    const auto transport = bgxfer::http::make_transport(options);
    asio::io_context io;
    Outcome first, second;
    asio::co_spawn(
        io,
        [](auto shared, std::string url, Outcome& a, Outcome& b) -> asio::awaitable<void> {
          co_await http_test::fetch_into(shared, Request(url), a);
          co_await http_test::fetch_into(shared, Request(url), b);
          shared->network_changed();
        }(transport, server.url(), first, second),
        http_test::rethrow);
    io.run();
    CHECK(first.body == "body");
    CHECK_FALSE(second.error);
    CHECK(second.body == "body");
    CHECK(server.connections() == 2);
  }
}

TEST_CASE("a fresh connection that closes before answering is an error") {
  ScriptServer server([](Peer& peer, int) { peer.read_head(); });
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), server.url());
  REQUIRE(outcome.error);
  CHECK(outcome.code() == Errc::connection_closed);
  CHECK(server.connections() == 1);
}

TEST_CASE("a server that accepts and never answers is given up after the first-byte timeout") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.wait_for_client();
  });
  bgxfer::http::TransportOptions options = quick();
  options.first_byte_timeout = 50ms;
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), server.url());
  CHECK(outcome.code() == Errc::response_timeout);
}

TEST_CASE("a server that trickles its head does not extend the first-byte timeout") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    while (peer.write("H")) std::this_thread::sleep_for(10ms);
  });
  bgxfer::http::TransportOptions options = quick();
  options.first_byte_timeout = 50ms;
  options.response_head_bytes_max = 1 << 20;
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), server.url());
  CHECK(outcome.error);
}

TEST_CASE("a body that stops coming is stalled, and what arrived is kept") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    peer.wait_for_client();
  });
  bgxfer::http::TransportOptions options = quick();
  options.stall_timeout = 50ms;
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), server.url());
  CHECK(outcome.body == "some");
  CHECK(outcome.code() == Errc::stalled);
}

TEST_CASE("a reset in the middle of a body is a truncated body") {
  ScriptServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    peer.reset();
  });
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), server.url());
  REQUIRE(outcome.error);
  // The reset may overtake the bytes, or even the head.
  const bool expected = outcome.code() == Errc::body_truncated || outcome.code() == std::errc::connection_reset;
  CHECK(expected);
  CHECK(outcome.code() == Failure::transient);
}

TEST_CASE("requests beyond the limit of a host wait for a free connection") {
  std::atomic<int> now{0}, most{0};
  ScriptServer server([&](Peer& peer, int) {
    while (!peer.read_head().empty()) {
      const int count = ++now;
      int seen = most;
      while (seen < count && !most.compare_exchange_weak(seen, count)) {
      }
      std::this_thread::sleep_for(2ms);  // Long enough for others to overlap, were they allowed to.
      --now;
      peer.write(ok("x"));
    }
  });
  bgxfer::http::TransportOptions options = quick();
  options.connections_per_host_max = 2;
  const auto transport = bgxfer::http::make_transport(options);
  asio::io_context io;
  std::vector<Outcome> outcomes(12);
  for (Outcome& outcome : outcomes) {
    asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), outcome), http_test::rethrow);
  }
  io.run();
  for (const Outcome& outcome : outcomes) CHECK(outcome.body == "x");
  CHECK(most <= 2);
  CHECK(server.connections() <= 2);
}

TEST_CASE("a coroutine that waits for a connection can be cancelled, and its place is passed on") {
  asio::io_context io;
  asio::cancellation_signal cancel;
  ScriptServer server([&](Peer& peer, int) {
    peer.read_head();
    asio::post(io, [&cancel] { cancel.emit(asio::cancellation_type::terminal); });
    peer.write(ok("x"));
    while (!peer.read_head().empty()) peer.write(ok("x"));
  });
  bgxfer::http::TransportOptions options = quick();
  options.connections_per_host_max = 1;
  const auto transport = bgxfer::http::make_transport(options);
  Outcome first, second, third;
  bool ended = false;
  asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), first), http_test::rethrow);
  asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), second),
                 asio::bind_cancellation_slot(cancel.slot(), [&ended](std::exception_ptr) { ended = true; }));
  asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), third), http_test::rethrow);
  io.run();
  CHECK(ended);
  CHECK(first.body == "x");
  CHECK(third.body == "x");
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
  bgxfer::http::TransportOptions options = quick();
  options.connections_per_host_max = 1;
  const auto transport = bgxfer::http::make_transport(options);
  Outcome stuck, waiting;
  {
    asio::io_context io;
    asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), stuck), http_test::rethrow);
    asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), waiting), http_test::rethrow);
    while (stuck.body.empty()) io.run_one();
  }
  CHECK(fetch(transport, server.url()).body == "alive");
}

TEST_CASE("a kept connection outlives the io_context that it was made on") {
  ScriptServer server(always(ok("x")));
  bgxfer::http::TransportOptions options = quick();
  options.quiet_connection_timeout = 10s;
  const auto transport = bgxfer::http::make_transport(options);
  for (int i = 0; i < 2; ++i) {
    asio::io_context io;
    Outcome outcome;
    bool done = false;
    asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), outcome),
                   [&done](std::exception_ptr) { done = true; });
    while (!done) io.run_one();  // Not `run`: the idle connection's timer is still pending.
    CHECK(outcome.body == "x");
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("a 206 without Content-Range counts only if its length is the one asked for") {
  ScriptServer server(once("HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nabc"));
  const auto transport = bgxfer::http::make_transport(quick());
  Request exact(server.url());
  exact.range = ByteRange{5, 3};
  const Outcome granted = fetch(transport, std::move(exact));
  CHECK(granted.body == "abc");
  CHECK(granted.head.granted == ByteRange{5, 3});
  CHECK_FALSE(granted.head.range_stated);
  Request other(server.url());
  other.range = ByteRange{5, 4};
  CHECK(fetch(transport, std::move(other)).code() == Errc::range_ignored);
}

TEST_CASE("several ranges in one answer are not what was asked for") {
  ScriptServer server(
      once("HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\n"
           "Content-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc"));
  CHECK(fetch(bgxfer::http::make_transport(quick()), server.url()).code() == Errc::range_ignored);
}

TEST_CASE("responses that could be read in two ways are refused") {
  for (const char* head : {
           "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
           "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 3\r\n\r\nabc",
           "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/2 200 OK\r\n\r\n",
           "ICY 200 OK\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
           "HTTP/1.1 204 No Content\r\n\r\n",
           "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 4\r\n\r\nabcd",
       }) {
    CAPTURE(head);
    ScriptServer server(once(head));
    CHECK(fetch(bgxfer::http::make_transport(quick()), server.url()).code() == Errc::invalid_response);
  }
}

TEST_CASE("a chunked body is damaged when its framing is") {
  for (const char* body : {"3\r\nabcX\r\n0\r\n\r\n", "-2\r\nab", "\r\n", "fffffffffffffffff\r\n", "3 \rabc"}) {
    CAPTURE(body);
    ScriptServer server(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body)));
    CHECK(fetch(bgxfer::http::make_transport(quick()), server.url()).code() == Errc::invalid_response);
  }
  ScriptServer cut(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), cut.url());
  CHECK(outcome.body == "abc");
  CHECK(outcome.code() == Errc::body_truncated);
}

TEST_CASE("a large chunked body arrives whole through small buffers") {
  std::string text, wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t size : {1u, 100u, 16384u, 70000u, 3u, 200000u}) {
    const std::string chunk(size, static_cast<char>('a' + size % 26));
    text += chunk;
    char line[32];
    std::snprintf(line, sizeof line, "%zx\r\n", size);
    wire += line + chunk + "\r\n";
  }
  wire += "0\r\nX-Trailer: 1\r\n\r\n";
  ScriptServer server(always(wire));
  const auto transport = bgxfer::http::make_transport(quick());
  for (std::size_t chunk_bytes : {7u, 1000u, 256u * 1024u}) {
    const Outcome outcome = fetch(transport, Request(server.url()), chunk_bytes);
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == text);
  }
}

TEST_CASE("a body to the end of the connection is delivered, and not called proven") {
  ScriptServer server(once("HTTP/1.0 200 OK\r\n\r\nold"));
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), server.url());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "old");
  CHECK_FALSE(outcome.head.delimited);
  CHECK(outcome.head.granted == ByteRange{});
}

TEST_CASE("interim answers are skipped, but not for ever") {
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  ScriptServer some(once(hint + hint + hint + hint + hint + ok("x")));
  CHECK(fetch(bgxfer::http::make_transport(quick()), some.url()).body == "x");
  ScriptServer many(once(hint + hint + hint + hint + hint + hint + ok("x")));
  CHECK(fetch(bgxfer::http::make_transport(quick()), many.url()).code() == Errc::response_too_large);
}

TEST_CASE("an endless head is given up at its limit") {
  for (const char* piece : {"HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: "}) {
    ScriptServer server([piece](Peer& peer, int) {
      peer.read_head();
      peer.write(piece);
      while (peer.write(std::string(4096, 'a'))) {
      }
    });
    CHECK(fetch(bgxfer::http::make_transport(quick()), server.url()).code() == Errc::response_too_large);
  }
}

TEST_CASE("headers of the caller stay with the origin") {
  std::string seen;
  ScriptServer target([&seen](Peer& peer, int) {
    seen = peer.read_head();
    peer.write(ok("x"));
  });
  ScriptServer origin(
      once("HTTP/1.1 307 Elsewhere\r\nLocation: " + target.url("/t") + "\r\nContent-Length: 0\r\n\r\n"));
  Request request(origin.url());
  for (const char* name : {"Authorization", "Cookie", "X-Api-Key", "aCCept-language"}) {
    bgxfer::Header header;
    header.name = name;
    header.value = "marker";
    request.headers.push_back(header);
  }
  CHECK(fetch(bgxfer::http::make_transport(quick()), std::move(request)).body == "x");
  CHECK(seen.find("Authorization") == std::string::npos);
  CHECK(seen.find("Cookie") == std::string::npos);
  CHECK(seen.find("X-Api-Key") == std::string::npos);
  CHECK(seen.find("aCCept-language: marker") != std::string::npos);
}

TEST_CASE("redirect loops and foreign schemes end") {
  ScriptServer loop(always("HTTP/1.1 302 Found\r\nLocation: /file\r\nContent-Length: 0\r\n\r\n"));
  CHECK(fetch(bgxfer::http::make_transport(quick()), loop.url()).code() == Errc::too_many_redirects);
  for (const char* location :
       {"file:///etc/passwd", "ftp://h/x", "http://u:p@h/", "http://h:99999999999/", "gopher:x", ""}) {
    CAPTURE(location);
    ScriptServer foreign(
        once("HTTP/1.1 302 Found\r\nLocation: " + std::string(location) + "\r\nContent-Length: 0\r\n\r\n"));
    CHECK(fetch(bgxfer::http::make_transport(quick()), foreign.url()).code() == Errc::invalid_response);
  }
}

namespace {

class TextBody final : public bgxfer::RequestBody {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const noexcept override { return text_.size(); }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), text_.size() - read_);
    std::memcpy(into.data(), text_.data() + read_, count);
    read_ += count;
    co_return count;
  }

 private:
  std::string text_;
  std::size_t read_ = 0;
};

/// A body of which there is not as much as it says, or which cannot be read.
class BrokenBody final : public bgxfer::RequestBody {
 public:
  explicit BrokenBody(bool ends_early) : ends_early_(ends_early) {}
  std::uint64_t size() const noexcept override { return 1000; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte>) override {
    if (ends_early_) co_return std::size_t{0};
    co_return bgxfer::Error(Errc::partial_file_changed, bgxfer::ErrorContext::local_file, "the body");
  }

 private:
  const bool ends_early_;
};

}  // namespace

TEST_CASE("a request body is streamed with its length") {
  std::string head, body;
  ScriptServer server([&](Peer& peer, int) {
    head = peer.read_head();
    body = peer.read_exactly(200'000);
    peer.write("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
  });
  const std::string text(200'000, 'u');
  Request request(server.url());
  request.method = "PUT";
  request.body = std::make_shared<TextBody>(text);
  const Outcome outcome = fetch(bgxfer::http::make_transport(quick()), std::move(request));
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "ok");
  CHECK(head.starts_with("PUT /file HTTP/1.1\r\n"));
  CHECK(head.find("\r\nContent-Length: 200000\r\n") != std::string::npos);
  CHECK(body == text);
}

TEST_CASE("a request body that cannot be read is told at once, whatever the server waits for") {
  for (bool ends_early : {false, true}) {
    CAPTURE(ends_early);
    ScriptServer server([](Peer& peer, int) {
      (void)peer.read_head();
      (void)peer.read_exactly(1000);
    });
    Request request(server.url());
    request.method = "PUT";
    request.body = std::make_shared<BrokenBody>(ends_early);
    const auto began = std::chrono::steady_clock::now();
    const Outcome outcome = fetch(bgxfer::http::make_transport(), std::move(request));
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == (ends_early ? Errc::invalid_argument : Errc::partial_file_changed));
    CHECK(outcome.error->context() == bgxfer::ErrorContext::local_file);
    CHECK(std::chrono::steady_clock::now() - began < 30s);
  }
}

TEST_CASE("times without end are times without end, and none is shorter than a millisecond") {
  ScriptServer server(always(ok("text")));
  bgxfer::http::TransportOptions options;
  options.connect_timeout = options.first_byte_timeout = options.stall_timeout = options.slow_after =
      options.idle_connection_timeout = std::chrono::milliseconds::max();
  options.quiet_connection_timeout = 0ms;
  CHECK(fetch(bgxfer::http::make_transport(options), Request(server.url())).body == "text");
}

TEST_CASE("many coroutines on many threads share one transport") {
  ScriptServer server(always(ok(std::string(100'000, 'm'))));
  bgxfer::http::TransportOptions options = quick();
  options.connections_per_host_max = 3;
  const auto transport = bgxfer::http::make_transport(options);
  asio::io_context io;
  std::vector<Outcome> outcomes(40);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    // Half of them on strands, half on the bare executor.
    const asio::any_io_executor executor =
        i % 2 ? asio::any_io_executor(asio::make_strand(io)) : asio::any_io_executor(io.get_executor());
    asio::co_spawn(executor, http_test::fetch_into(transport, Request(server.url()), outcomes[i]), http_test::rethrow);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&io] { io.run(); });
  for (std::thread& thread : threads) thread.join();
  for (const Outcome& outcome : outcomes) CHECK(outcome.body.size() == 100'000);
}

namespace {

asio::awaitable<void> fetch_twice(std::shared_ptr<bgxfer::Transport> transport, std::string a, std::string b) {
  for (int i = 0; i < 2; ++i) {
    for (const std::string& url : {a, b}) {
      Outcome outcome;
      co_await http_test::fetch_into(transport, Request(url), outcome);
      CHECK(outcome.body == "x");
    }
  }
}

}  // namespace

TEST_CASE("idle connections are limited in number and in time") {
  ScriptServer one(always(ok("x"))), two(always(ok("x")));
  bgxfer::http::TransportOptions options = quick();
  options.quiet_connection_timeout = 10s;
  options.idle_connection_timeout = 20ms;
  options.idle_connections_max = 1;
  asio::io_context io;
  asio::co_spawn(io, fetch_twice(bgxfer::http::make_transport(options), one.url(), two.url()), http_test::rethrow);
  const auto begin = std::chrono::steady_clock::now();
  io.run();  // Returns once the last idle connection is closed.
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(one.connections() == 2);
  CHECK(two.connections() == 2);
}

TEST_CASE("timeouts and cancellations on many threads leave nothing behind") {
  ScriptServer server([](Peer& peer, int number) {
    while (!peer.read_head().empty()) {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      peer.write(std::string(static_cast<std::size_t>(number % 3) * 50'000, 'x'));
      if (number % 3 < 2) {
        peer.wait_for_client();
        return;
      }
    }
  });
  bgxfer::http::TransportOptions options = quick();
  options.stall_timeout = 5ms;
  options.connections_per_host_max = 4;
  const auto transport = bgxfer::http::make_transport(options);
  asio::io_context io;
  std::vector<Outcome> outcomes(60);
  for (Outcome& outcome : outcomes) {
    asio::co_spawn(io, http_test::fetch_into(transport, Request(server.url()), outcome), http_test::rethrow);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&io] { io.run(); });
  for (std::thread& thread : threads) thread.join();
  for (const Outcome& outcome : outcomes) {
    // So short a timeout may also pass while the request is on its way.
    const bool expected = outcome.code() == Errc::stalled || outcome.code() == Errc::response_timeout ||
                          (!outcome.error && outcome.body.size() == 100'000);
    CAPTURE(outcome.code().message());
    CHECK(expected);
  }
}
