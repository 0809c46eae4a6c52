#include "httplib/client.hpp"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/http_script_server.hpp"

using bgxfer::Errc;
using bgxfer::httplib::detail::Handoff;
using bgxfer::httplib::detail::Transfer;
using http_test::ok;
using http_test::once;
using http_test::Peer;
using http_test::ScriptServer;

namespace {

std::shared_ptr<Transfer> transfer_of(const std::string& url, bool public_only) {
  return std::make_shared<Transfer>(bgxfer::Request(url), bgxfer::http::detail::parse_url(url).value(), public_only);
}

/// The coroutine's part: asks `questions` times, then goes away.
void ask_beside_a_thread(const std::shared_ptr<Transfer>& transfer, int questions) {
  std::thread worker([&transfer] { bgxfer::httplib::detail::run_transfer(*transfer, {}); });
  asio::io_context io;
  asio::co_spawn(
      io,
      [](std::shared_ptr<Transfer> shared, int count) -> asio::awaitable<void> {
        const std::shared_ptr<Handoff> handoff(shared, &shared->handoff);
        shared->length_max = bgxfer::ByteRange::to_end;
        for (int i = 0; i < count; ++i) {
          const bool answered = co_await Handoff::ask(handoff);
          CHECK(answered);
        }
      }(transfer, questions),
      asio::detached);
  io.run();
  transfer->handoff.abandon();
  transfer->plug.pull();
  worker.join();
}

}  // namespace

TEST_CASE("the first answer is the head, then come the bytes, and the end with the last of them") {
  ScriptServer server(once(ok("body", "X-Note: 1\r\n")));
  const auto opened = transfer_of(server.url(), false);
  ask_beside_a_thread(opened, 1);
  CHECK(opened->head.status == 200);
  CHECK(opened->head.field("x-note") == "1");
  CHECK(opened->framing.length == 4);
  CHECK_FALSE(opened->public_peer);
  CHECK_FALSE(opened->ended);
  CHECK(opened->bytes.empty());

  const auto read = transfer_of(server.url(), false);
  ask_beside_a_thread(read, 2);
  CHECK(read->bytes.size() == 4);
  CHECK(read->ended);
  CHECK_FALSE(read->failure);
}

TEST_CASE("a private address gets no request from a trail that began outside") {
  std::string seen = "nothing was read";
  {
    ScriptServer server([&seen](Peer& peer, int) { seen = peer.read_head(); });
    const auto transfer = transfer_of(server.url(), true);
    ask_beside_a_thread(transfer, 1);
    REQUIRE(transfer->failure);
    CHECK(transfer->failure->code() == Errc::blocked_address);
  }
  CHECK(seen.find("GET") == std::string::npos);
}

TEST_CASE("a transfer that nobody wants any more sends nothing") {
  ScriptServer server(once(ok("x")));
  const auto transfer = transfer_of(server.url(), false);
  transfer->handoff.abandon();
  bgxfer::httplib::detail::run_transfer(*transfer, {});
  CHECK(server.connections() == 0);
}
