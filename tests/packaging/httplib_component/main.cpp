// Asks the transport through cpp-httplib for a port on which nobody listens: an error proves that all of it is linked.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <bgxfer/httplib/httplib_transport.hpp>

int main() {
  asio::io_context io;
  bool failed = false;
  asio::co_spawn(
      io,
      [](std::shared_ptr<bgxfer::Transport> transport, bool& outcome) -> asio::awaitable<void> {
        bgxfer::Request request("http://127.0.0.1:1/");
        auto opened = co_await transport->open(std::move(request));
        outcome = !opened && opened.error().code() == bgxfer::Failure::transient;
      }(bgxfer::httplib::make_transport(), failed),
      [](std::exception_ptr) {});
  io.run();
  return failed ? 0 : 1;
}
