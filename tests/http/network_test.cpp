#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>

#include <bgxfer/testing/simulated_network.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "http/socket_network.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"

using namespace std::chrono_literals;
using bgxfer::ConnectRequest;
using bgxfer::Errc;
using bgxfer::testing::SimulatedNetwork;
using http_test::always;
using http_test::ok;
using http_test::Outcome;
using http_test::ScriptServer;

namespace {

asio::awaitable<void> connect_into(std::shared_ptr<bgxfer::Network> network, ConnectRequest request,
                                   std::error_code& code) {
  const auto connected = co_await network->connect(std::move(request));
  code = connected ? std::error_code() : connected.error().code();
}

asio::awaitable<void> connect_to(std::uint16_t port, std::unique_ptr<bgxfer::ByteStream>& stream) {
  const std::shared_ptr<bgxfer::Network> network = bgxfer::http::detail::make_socket_network({});
  auto connected = co_await network->connect(ConnectRequest("127.0.0.1", port, false));
  if (connected) stream = *std::move(connected);
}

std::error_code connect(ConnectRequest request) {
  asio::io_context io;
  std::error_code code = Errc::invalid_state;
  asio::co_spawn(io, connect_into(bgxfer::http::detail::make_socket_network({}), std::move(request), code),
                 http_test::rethrow);
  io.run();
  return code;
}

/// The transport on a network where each connection, to whatever host, gets the next of the prepared answers and ends.
struct ScriptedWorld {
  ScriptedWorld() : network(std::make_shared<SimulatedNetwork>(simulation)) {
    bgxfer::testing::SimulatedServer server;
    server.accept = [this](const ConnectRequest& request) {
      connects.push_back(request);
      bgxfer::testing::ConnectAnswer door;
      door.public_peer = answers.at(connects.size() - 1).public_peer;
      return door;
    };
    server.answer = [this](const bgxfer::testing::ServerRequest& request) {
      const Answer& next = answers.at(static_cast<std::size_t>(request.connection) - 1);
      bgxfer::testing::ServerAnswer answer;
      answer.in_pieces(next.piece_bytes).send(next.text).finish();
      return answer;
    };
    network->serve(SimulatedNetwork::any_host, server);
  }

  void answer(std::string text, bool public_peer = true, std::size_t piece_bytes = 4096) {
    Answer next;
    next.text = std::move(text);
    next.public_peer = public_peer;
    next.piece_bytes = piece_bytes;
    answers.push_back(std::move(next));
  }

  Outcome fetch(const std::string& url, std::size_t chunk_bytes = 64 * 1024) {
    bgxfer::http::TransportOptions options;
    options.network = network;
    options.clock = simulation.clock();
    Outcome outcome;
    asio::co_spawn(simulation.executor(),
                   fetch_into(bgxfer::http::make_transport(options), bgxfer::Request(url), outcome, chunk_bytes),
                   http_test::rethrow);
    simulation.run();
    return outcome;
  }

  struct Answer {
    std::string text{};
    bool public_peer = true;
    std::size_t piece_bytes = 4096;
  };
  bgxfer::testing::Simulation simulation;
  std::shared_ptr<SimulatedNetwork> network;
  std::vector<Answer> answers;
  std::vector<ConnectRequest> connects;
};

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

TEST_CASE("programs that the host starts inherit no connection") {
  ScriptServer server(always(ok("text")));
  asio::io_context io;
  std::unique_ptr<bgxfer::ByteStream> stream;
  asio::co_spawn(io, connect_to(server.port(), stream), http_test::rethrow);
  io.run();
  REQUIRE(stream);
  int ours = 0;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.port()) continue;
    ++ours;
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(ours == 1);
}

TEST_CASE("a name that does not exist is a transient failure of the transport") {
  const std::error_code code = connect(ConnectRequest("no-such-host.invalid", 80, false));
  CHECK(code == bgxfer::Failure::transient);
}

TEST_CASE("a redirect from a public host may not lead inside; from inside it may") {
  for (bool public_start : {true, false}) {
    CAPTURE(public_start);
    ScriptedWorld world;
    world.answer(redirect_to("http://b/"), public_start);
    world.answer(redirect_to("http://c/"), true);
    world.answer(ok("end"));
    CHECK(world.fetch("http://a/").body == "end");
    REQUIRE(world.connects.size() == 3);
    CHECK_FALSE(world.connects[0].public_addresses_only);
    CHECK(world.connects[1].public_addresses_only == public_start);
    CHECK(world.connects[2].public_addresses_only == public_start);
  }
}

TEST_CASE("a response means the same in pieces of any size") {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece < 40; ++piece) {
    for (const std::string& wire : {ok("wikipedia"), chunked, std::string("HTTP/1.0 200 OK\r\n\r\nwikipedia")}) {
      ScriptedWorld world;
      world.answer(wire, true, piece);
      const Outcome outcome = world.fetch("http://a/", 1 + piece % 7);
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
      ScriptedWorld world;
      world.answer(wire.substr(0, length));
      const Outcome outcome = world.fetch("http://a/");
      REQUIRE(outcome.error);
      CHECK(outcome.code() == (outcome.opened ? Errc::body_truncated : Errc::connection_closed));
      if (wire != chunked && outcome.opened) CHECK(outcome.body.size() == length - (wire.size() - 9));
    }
  }
}

TEST_CASE("a request that waits for a connection goes on in the time of its world, and can be cancelled") {
  bgxfer::testing::Simulation simulation;
  const auto network = std::make_shared<SimulatedNetwork>(simulation);
  bgxfer::testing::SimulatedServer server;
  server.answer = [](const bgxfer::testing::ServerRequest&) {
    bgxfer::testing::ServerAnswer answer;
    answer.wait(10s).send(ok("end"));
    return answer;
  };
  network->serve("a", server);
  bgxfer::http::TransportOptions options;
  options.network = network;
  options.clock = simulation.clock();
  options.connections_per_host_max = 1;
  const auto transport = bgxfer::http::make_transport(options);
  std::vector<Outcome> outcomes(3);
  std::vector<asio::cancellation_signal> cancel(3);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    asio::co_spawn(simulation.executor(), fetch_into(transport, bgxfer::Request("http://a/"), outcomes[i]),
                   asio::bind_cancellation_slot(cancel[i].slot(), asio::detached));
  }
  simulation.run_for(1s);
  cancel[1].emit(asio::cancellation_type::terminal);
  simulation.run_for(30s);
  CHECK(outcomes[0].body == "end");
  CHECK_FALSE(outcomes[1].opened);
  CHECK(outcomes[2].body == "end");
  CHECK(network->connections() == 1);
}
