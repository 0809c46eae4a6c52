#include "httplib/handoff.hpp"

#include <memory>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

using bgxfer::httplib::detail::Handoff;

namespace {

/// Asks until it is abandoned, and adds what it finds.
asio::awaitable<void> sum_up(std::shared_ptr<Handoff> handoff, int& shared, int& sum, bool& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool answered = co_await Handoff::ask(handoff);
    if (!answered) break;
    sum += std::exchange(shared, 0);
  }
  ended = true;
}

}  // namespace

TEST_CASE("a coroutine and a thread take turns, and share without a lock") {
  const auto handoff = std::make_shared<Handoff>();
  int shared = 0, sum = 0;
  bool ended = false;
  std::thread worker([&] {
    for (int i = 1; i <= 1000; ++i) {
      CHECK(handoff->wait_for_question());
      CHECK(shared == 0);
      shared = i;
      handoff->answer();
    }
    handoff->abandon();
  });
  asio::io_context io;
  asio::co_spawn(io, sum_up(handoff, shared, sum, ended), asio::detached);
  io.run();
  worker.join();
  CHECK(ended);
  // The last answer may be overtaken by the abandonment, which is the thread's own doing here.
  CHECK(sum >= 499'500);
}

TEST_CASE("a question stays until it is answered") {
  const auto handoff = std::make_shared<Handoff>();
  int shared = 7, sum = 0;
  bool ended = false;
  asio::io_context io;
  asio::co_spawn(io, sum_up(handoff, shared, sum, ended), asio::detached);
  io.poll();
  CHECK(handoff->wait_for_question());
  CHECK(handoff->wait_for_question());
  handoff->answer();
  io.poll();
  CHECK(sum == 7);
  CHECK_FALSE(ended);
  handoff->abandon();
  handoff->abandon();
  io.run();
  CHECK(ended);
  CHECK_FALSE(handoff->wait_for_question());
}

TEST_CASE("cancelling abandons: while a question waits, and while an answer is on its way") {
  for (bool answered : {false, true}) {
    CAPTURE(answered);
    const auto handoff = std::make_shared<Handoff>();
    int shared = 7, sum = 0;
    bool ended = false;
    asio::io_context io;
    asio::cancellation_signal cancel;
    asio::co_spawn(io, sum_up(handoff, shared, sum, ended),
                   asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    io.poll();
    if (answered) handoff->answer();
    cancel.emit(asio::cancellation_type::terminal);
    io.run();
    CHECK(ended);
    CHECK(sum == (answered ? 7 : 0));
    CHECK(handoff->abandoned());
  }
}

TEST_CASE("a coroutine whose context dies leaves the handoff to the thread") {
  const auto handoff = std::make_shared<Handoff>();
  int shared = 0, sum = 0;
  bool ended = false;
  {
    asio::io_context io;
    asio::co_spawn(io, sum_up(handoff, shared, sum, ended), asio::detached);
    io.poll();
  }
  CHECK(handoff->wait_for_question());
  handoff->answer();
  CHECK_FALSE(ended);
  CHECK(handoff.use_count() == 1);
}
