// A TCP relay that gives every byte a delay, the same each way: a long line for programs that run on one machine. A
// new connection is passed on after the delay too, so that it costs what a handshake costs: the client's first byte
// arrives one round trip and a half after connecting.
// Prints its port. Ends when its standard input does.
// Run: relay UPSTREAM_PORT DELAY_MS
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

namespace {

using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// Bytes on the way in one direction; beyond it the sender waits.
constexpr std::size_t bytes_on_the_way_max = 16 * 1024 * 1024;

struct Parcel {
  Clock::time_point due;
  std::vector<char> bytes;  ///< Empty: the sender has ended.
};

/// One direction of one connection.
struct Direction {
  Direction(std::shared_ptr<tcp::socket> source, std::shared_ptr<tcp::socket> sink, Clock::duration time)
      : from(std::move(source)), to(std::move(sink)), delay(time), moved(from->get_executor()) {
    moved.expires_at(Clock::time_point::max());
  }
  std::shared_ptr<tcp::socket> from;
  std::shared_ptr<tcp::socket> to;
  Clock::duration delay;
  asio::steady_timer moved;  ///< Cancelled when the line changes.
  std::deque<Parcel> line{};
  std::size_t bytes = 0;
};

asio::awaitable<void> take_in(std::shared_ptr<Direction> self) {
  std::array<char, 65536> buffer;
  for (;;) {
    std::error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    while (self->bytes > bytes_on_the_way_max) co_await self->moved.async_wait(token);
    failed.clear();
    const std::size_t count = co_await self->from->async_read_some(asio::buffer(buffer), token);
    self->line.push_back(Parcel{Clock::now() + self->delay, std::vector<char>(buffer.data(), buffer.data() + count)});
    self->bytes += count;
    self->moved.cancel();
    if (failed || count == 0) co_return;
  }
}

asio::awaitable<void> give_out(std::shared_ptr<Direction> self) {
  asio::steady_timer clock(self->from->get_executor());
  std::error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  for (;;) {
    while (self->line.empty()) co_await self->moved.async_wait(token);
    const Parcel parcel = std::move(self->line.front());
    self->line.pop_front();
    clock.expires_at(parcel.due);
    co_await clock.async_wait(token);
    failed.clear();
    if (!parcel.bytes.empty()) co_await asio::async_write(*self->to, asio::buffer(parcel.bytes), token);
    self->bytes -= parcel.bytes.size();
    self->moved.cancel();
    if (parcel.bytes.empty() || failed) {
      std::error_code ignored;
      self->to->shutdown(tcp::socket::shutdown_send, ignored);
      if (failed) self->from->close(ignored);
      co_return;
    }
  }
}

asio::awaitable<void> connect(std::shared_ptr<tcp::socket> client, std::uint16_t port, Clock::duration delay) {
  auto server = std::make_shared<tcp::socket>(client->get_executor());
  std::error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  // The kernel answered the client at once; on a long line it would have been told after a round trip.
  asio::steady_timer handshake(client->get_executor(), 2 * delay);
  co_await handshake.async_wait(token);
  const tcp::endpoint upstream(asio::ip::address_v4::loopback(), port);
  co_await server->async_connect(upstream, token);
  if (failed) co_return;
  client->set_option(tcp::no_delay(true), failed);
  server->set_option(tcp::no_delay(true), failed);
  for (auto& direction :
       {std::make_shared<Direction>(client, server, delay), std::make_shared<Direction>(server, client, delay)}) {
    asio::co_spawn(client->get_executor(), take_in(direction), asio::detached);
    asio::co_spawn(client->get_executor(), give_out(direction), asio::detached);
  }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, std::uint16_t port, Clock::duration delay) {
  for (;;) {
    auto client = std::make_shared<tcp::socket>(acceptor.get_executor());
    co_await acceptor.async_accept(*client, asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), connect(client, port, delay), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "relay: needs the port of the server and a delay in milliseconds\n");
    return 2;
  }
  asio::io_context io(1);
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::posix::stream_descriptor input(io, 0);
  char byte = 0;
  input.async_read_some(asio::buffer(&byte, 1), [&io](std::error_code, std::size_t) { io.stop(); });
  const auto upstream = static_cast<std::uint16_t>(std::atoi(argv[1]));
  asio::co_spawn(io, serve(acceptor, upstream, std::chrono::milliseconds(std::atoi(argv[2]))), asio::detached);
  io.run();
}
