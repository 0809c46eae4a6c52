#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/ip/tcp.hpp>

#include "http/socket_network.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_network.hpp"
#include "support/http_script_server.hpp"

using namespace std::chrono_literals;
using bgxfer::ConnectRequest;
using bgxfer::Errc;
using http_test::always;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::ScriptNetwork;
using http_test::ScriptServer;

namespace {

asio::awaitable<void> connect_into(std::shared_ptr<bgxfer::Network> network, ConnectRequest request,
                                   std::error_code& code) {
  const auto connected = co_await network->connect(std::move(request));
  code = connected ? std::error_code() : connected.error().code();
}

std::error_code connect(ConnectRequest request) {
  asio::io_context io;
  std::error_code code = Errc::invalid_state;
  asio::co_spawn(io, connect_into(bgxfer::http::detail::make_socket_network({}), std::move(request), code),
                 http_test::rethrow);
  io.run();
  return code;
}

/// The transport on a scripted network.
std::shared_ptr<bgxfer::Transport> transport_on(std::shared_ptr<ScriptNetwork> network) {
  bgxfer::http::TransportOptions options;
  options.network = std::move(network);
  options.quiet_connection_timeout = 1ms;
  return bgxfer::http::make_transport(options);
}

std::string redirect_to(const std::string& location) {
  return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

TEST_CASE("the address filter judges the address, not the name") {
  ScriptServer server(always(ok("x")));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    ConnectRequest request(host, server.port(), false);
    CHECK_FALSE(connect(request));
    request.public_addresses_only = true;
    CHECK(connect(request) == Errc::blocked_address);
  }
}

TEST_CASE("a connection that nobody accepts ends at the connect timeout") {
  // A listener whose queue is full leaves further connections without any answer.
  asio::io_context io;
  asio::ip::tcp::acceptor listener(io);
  listener.open(asio::ip::tcp::v4());
  listener.bind(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  listener.listen(0);
  std::vector<asio::ip::tcp::socket> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(io, asio::ip::tcp::v4());
    waiting.back().async_connect(listener.local_endpoint(), [](std::error_code) {});  // Begun, and never waited for.
  }
  ConnectRequest request("127.0.0.1", listener.local_endpoint().port(), false);
  request.timeout = 50ms;
  CHECK(connect(request) == Errc::connect_timeout);
}

TEST_CASE("a name that does not exist is a transient failure of the transport") {
  const std::error_code code = connect(ConnectRequest("no-such-host.invalid", 80, false));
  CHECK(code == bgxfer::Failure::transient);
}

TEST_CASE("a redirect from a public host may not lead inside; from inside it may") {
  for (bool public_start : {true, false}) {
    CAPTURE(public_start);
    const auto network = std::make_shared<ScriptNetwork>();
    network->answer(redirect_to("http://b/"), public_start);
    network->answer(redirect_to("http://c/"), true);
    network->answer(ok("end"));
    CHECK(fetch(transport_on(network), "http://a/").body == "end");
    REQUIRE(network->requests().size() == 3);
    CHECK_FALSE(network->requests()[0].public_addresses_only);
    CHECK(network->requests()[1].public_addresses_only == public_start);
    CHECK(network->requests()[2].public_addresses_only == public_start);
  }
}

TEST_CASE("a response means the same in pieces of any size") {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece < 40; ++piece) {
    for (const std::string& wire : {ok("wikipedia"), chunked, std::string("HTTP/1.0 200 OK\r\n\r\nwikipedia")}) {
      const auto network = std::make_shared<ScriptNetwork>();
      network->answer(wire, true, piece);
      const Outcome outcome = fetch(transport_on(network), bgxfer::Request("http://a/"), 1 + piece % 7);
      CHECK_FALSE(outcome.error);
      CHECK(outcome.body == "wikipedia");
    }
  }
}

TEST_CASE("any cut of a response is told, and no byte before it is lost") {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
  for (const std::string& wire : {ok("wikipedia"), chunked}) {
    for (std::size_t length = 0; length < wire.size(); ++length) {
      CAPTURE(length);
      const auto network = std::make_shared<ScriptNetwork>();
      network->answer(wire.substr(0, length));
      const Outcome outcome = fetch(transport_on(network), "http://a/");
      REQUIRE(outcome.error);
      CHECK(outcome.code() == (outcome.opened ? Errc::body_truncated : Errc::connection_closed));
      if (wire != chunked && outcome.opened) CHECK(outcome.body.size() == length - (wire.size() - 9));
    }
  }
}
