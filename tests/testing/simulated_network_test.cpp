#include <bgxfer/testing/simulated_network.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <bgxfer/testing/simulation.hpp>

using namespace std::chrono_literals;
using namespace bgxfer::testing;
using bgxfer::ByteStream;
using bgxfer::Clock;
using bgxfer::ConnectRequest;
using bgxfer::Errc;
using bgxfer::Result;

namespace {

const std::string get = "GET /path?q HTTP/1.1\r\nHost: host\r\nX-Name:  value \r\n\r\n";

/// What a client saw: each read as a piece with its time, then how it ended.
struct Seen {
  std::vector<std::string> pieces{};
  std::vector<Clock::Duration> times{};
  bool finished = false;
  std::error_code error{};

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }
};

struct Net {
  explicit Net(std::uint64_t seed = 0)
      : simulation(seed),
        network(std::make_shared<SimulatedNetwork>(simulation, seed)),
        start(simulation.clock()->now()) {}

  /// A server at "host" that gives this answer to every request.
  void answer(ServerAnswer answer) {
    SimulatedServer server;
    server.answer = [answer = std::move(answer)](const ServerRequest&) { return answer; };
    network->serve("host", std::move(server));
  }
  [[nodiscard]] Clock::Duration elapsed() const { return simulation.clock()->now() - start; }

  Simulation simulation;
  std::shared_ptr<SimulatedNetwork> network;
  Clock::TimePoint start;
};

asio::awaitable<void> connect_into(Net& net, ConnectRequest request, std::unique_ptr<ByteStream>& stream,
                                   std::error_code& code) {
  Result<std::unique_ptr<ByteStream>> connected = co_await net.network->connect(std::move(request));
  if (connected)
    stream = *std::move(connected);
  else
    code = connected.error().code();
}

asio::awaitable<void> talk(Net& net, ByteStream& stream, std::string request, std::size_t reads_max, Seen& seen) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const Result<void> written = co_await stream.write(std::as_bytes(std::span(request)));
  if (!written) {
    seen.error = written.error().code();
    co_return;
  }
  std::byte buffer[64];
  for (std::size_t i = 0; i < reads_max; ++i) {
    const Result<std::size_t> count = co_await stream.read(buffer);
    if (!count) {
      seen.error = count.error().code();
      co_return;
    }
    if (*count == 0) {
      seen.finished = true;
      co_return;
    }
    seen.pieces.emplace_back(reinterpret_cast<const char*>(buffer), *count);
    seen.times.push_back(net.elapsed());
  }
}

asio::awaitable<void> read_after_a_step(Net& net, ByteStream& stream, Seen& seen) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(asio::use_awaitable);
  co_await talk(net, stream, get, 1, seen);
}

std::unique_ptr<ByteStream> connect(Net& net, ConnectRequest request = ConnectRequest("host", 80, false)) {
  std::unique_ptr<ByteStream> stream;
  std::error_code code;
  asio::co_spawn(net.simulation.executor(), connect_into(net, std::move(request), stream, code), asio::detached);
  net.simulation.run();
  REQUIRE_FALSE(code);
  return stream;
}

std::error_code refusal(Net& net, ConnectRequest request) {
  std::unique_ptr<ByteStream> stream;
  std::error_code code;
  asio::co_spawn(net.simulation.executor(), connect_into(net, std::move(request), stream, code), asio::detached);
  net.simulation.run();
  return code;
}

Seen exchange(Net& net, ByteStream& stream, std::size_t reads_max = 100, std::string request = get) {
  Seen seen;
  asio::co_spawn(net.simulation.executor(), talk(net, stream, std::move(request), reads_max, seen), asio::detached);
  net.simulation.run();
  return seen;
}

Seen exchange(Net& net, ServerAnswer answer, std::size_t reads_max = 100) {
  net.answer(std::move(answer));
  const std::unique_ptr<ByteStream> stream = connect(net);
  return exchange(net, *stream, reads_max);
}

}  // namespace

TEST_CASE("a server sees the request as its bytes came, in whatever pieces they were written") {
  Net net;
  std::string seen;
  SimulatedServer server;
  server.answer = [&](const ServerRequest& request) -> ServerAnswer {
    CHECK(request.method() == "POST");
    CHECK(request.target() == "/path?q");
    CHECK(request.field("x-name") == "value");
    CHECK_FALSE(request.field("absent"));
    CHECK(request.host == "host");
    CHECK(request.port == 8080);
    CHECK(request.secure);
    CHECK(request.connection == 1);
    CHECK(request.number == 1);
    seen = std::string(request.head) + "|" + std::string(request.body);
    return "done";
  };
  net.network->serve("host", server);
  const std::unique_ptr<ByteStream> stream = connect(net, ConnectRequest("host", 8080, true));
  const std::string head = "POST /path?q HTTP/1.1\r\nX-Name:  value \r\nContent-Length: 4\r\n\r\n";
  const std::string wire = head + "body";
  for (std::size_t i = 0; i + 1 < wire.size(); ++i) exchange(net, *stream, 0, wire.substr(i, 1));
  CHECK(seen.empty());
  CHECK(exchange(net, *stream, 1, wire.substr(wire.size() - 1)).text() == "done");
  CHECK(seen == head + "|body");
  CHECK(net.network->requests() == 1);
}

TEST_CASE("pieces come in the size and at the times that the answer says") {
  Net net;
  ServerAnswer answer;
  answer.wait(2s).in_pieces(1, 10ms).send("abc").in_pieces(ServerAnswer::whole).send("defg").finish();
  const Seen seen = exchange(net, answer);
  CHECK(seen.pieces == std::vector<std::string>{"a", "b", "c", "defg"});
  CHECK(seen.times == std::vector<Clock::Duration>{2s, 2s + 10ms, 2s + 20ms, 2s + 30ms});
  CHECK(seen.finished);
}

TEST_CASE("random pieces are those of the seed, and no byte is lost") {
  const std::string text = "All happy transfers are alike; each unhappy transfer is unhappy in its own way.";
  std::vector<std::vector<std::string>> by_seed;
  for (std::uint64_t seed : {1, 1, 2}) {
    Net net(seed);
    ServerAnswer answer;
    answer.in_random_pieces(9, 1ms).send(text).finish();
    const Seen seen = exchange(net, answer);
    CHECK(seen.text() == text);
    for (const std::string& piece : seen.pieces) CHECK(piece.size() <= 9);
    by_seed.push_back(seen.pieces);
  }
  CHECK(by_seed[0] == by_seed[1]);
  CHECK(by_seed[0] != by_seed[2]);
}

TEST_CASE("a reset is an error, an end is none, and both come after the bytes before them") {
  Net net;
  ServerAnswer reset("bytes");
  reset.reset();
  const Seen broken = exchange(net, reset);
  CHECK(broken.text() == "bytes");
  CHECK(broken.error == std::errc::connection_reset);
  ServerAnswer end("bytes");
  end.finish();
  const Seen ended = exchange(net, end);
  CHECK(ended.text() == "bytes");
  CHECK(ended.finished);
  CHECK_FALSE(ended.error);
}

TEST_CASE("a read of a stalled connection ends by close, and by cancellation") {
  for (bool by_close : {true, false}) {
    Net net;
    ServerAnswer answer("x");
    answer.stall();
    net.answer(answer);
    const std::unique_ptr<ByteStream> stream = connect(net);
    Seen seen;
    asio::cancellation_signal cancel;
    asio::co_spawn(net.simulation.executor(), talk(net, *stream, get, 100, seen),
                   asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    net.simulation.run();
    CHECK(seen.text() == "x");
    CHECK_FALSE(seen.error);
    by_close ? stream->close() : cancel.emit(asio::cancellation_type::terminal);
    net.simulation.run();
    CHECK(seen.error == bgxfer::Failure::cancelled);
  }
}

TEST_CASE("close ends a read that waits for a slow server at once") {
  Net net;
  ServerAnswer answer;
  answer.wait(1h).send("late");
  net.answer(answer);
  const std::unique_ptr<ByteStream> stream = connect(net);
  Seen seen;
  asio::co_spawn(net.simulation.executor(), talk(net, *stream, get, 1, seen), asio::detached);
  net.simulation.run_for(1s);
  stream->close();
  net.simulation.run_ready();
  CHECK(seen.error);
  CHECK(net.simulation.sleepers() == 0);
  CHECK_FALSE(stream->reusable());
}

TEST_CASE("an idle connection is reusable until the server says something or ends it") {
  struct Case {
    ServerAnswer rest;
    bool now;
    bool later;
  };
  for (const Case& each :
       {Case{ServerAnswer(), true, true}, Case{ServerAnswer().finish(), false, false},
        Case{ServerAnswer().wait(5s).finish(), true, false}, Case{ServerAnswer().wait(5s).send("unasked"), true, false},
        Case{ServerAnswer().stall(), true, true}, Case{ServerAnswer().vanish(), true, true}}) {
    Net net;
    SimulatedServer server;
    server.answer = [&](const ServerRequest&) {
      ServerAnswer answer = each.rest;
      return answer;
    };
    net.network->serve("host", server);
    const std::unique_ptr<ByteStream> stream = connect(net);
    exchange(net, *stream, 0);
    CHECK(stream->reusable() == each.now);
    net.simulation.advance(10s);
    CHECK(stream->reusable() == each.later);
  }
}

TEST_CASE("a server that vanished takes the next request and resets") {
  Net net;
  ServerAnswer answer("first");
  answer.vanish();
  net.answer(answer);
  const std::unique_ptr<ByteStream> stream = connect(net);
  CHECK(exchange(net, *stream, 1).text() == "first");
  CHECK(exchange(net, *stream).error == std::errc::connection_reset);
  CHECK(net.network->requests() == 1);
}

TEST_CASE("connections are refused, late, blocked or unresolved, as the server says") {
  Net net;
  CHECK(refusal(net, ConnectRequest("nowhere", 80, false)) == asio::error::host_not_found);
  ConnectAnswer door;
  SimulatedServer server;
  server.accept = [&door](const ConnectRequest&) { return door; };
  net.network->serve(SimulatedNetwork::any_host, server);
  door.delay = 40s;
  const Clock::Duration before = net.elapsed();
  CHECK(refusal(net, ConnectRequest("anywhere", 80, false)) == Errc::connect_timeout);
  CHECK(net.elapsed() - before == 30s);
  door = ConnectAnswer();
  door.refusal = std::make_error_code(std::errc::connection_refused);
  CHECK(refusal(net, ConnectRequest("anywhere", 80, false)) == std::errc::connection_refused);
  door = ConnectAnswer();
  door.public_peer = false;
  ConnectRequest request("anywhere", 80, false);
  CHECK_FALSE(refusal(net, request));
  request.public_addresses_only = true;
  CHECK(refusal(net, request) == Errc::blocked_address);
  net.network->remove(SimulatedNetwork::any_host);
  CHECK(refusal(net, ConnectRequest("anywhere", 80, false)) == asio::error::host_not_found);
}

TEST_CASE("open connections are counted until the client lets them go") {
  Net net;
  net.answer("x");
  std::unique_ptr<ByteStream> first = connect(net);
  const std::unique_ptr<ByteStream> second = connect(net);
  CHECK(net.network->open_connections() == 2);
  first.reset();
  CHECK(net.network->open_connections() == 1);
  CHECK(net.network->connections() == 2);
}

TEST_CASE("a read that begins after its coroutine was cancelled does not wait") {
  Net net;
  ServerAnswer answer;
  answer.wait(1h).send("late");
  net.answer(answer);
  const std::unique_ptr<ByteStream> stream = connect(net);
  Seen seen;
  asio::cancellation_signal cancel;
  asio::co_spawn(net.simulation.executor(), read_after_a_step(net, *stream, seen),
                 asio::bind_cancellation_slot(cancel.slot(), asio::detached));
  net.simulation.run_until([steps = 2]() mutable { return --steps == 0; });
  cancel.emit(asio::cancellation_type::terminal);  // While the coroutine is ready: no read is there to hear of it.
  net.simulation.run_ready();
  CHECK(seen.error == Errc::cancelled);
}
