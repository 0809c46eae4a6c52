#include <bgxfer/testing/manual_clock.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

using namespace std::chrono_literals;
using bgxfer::Clock;
using bgxfer::testing::ManualClock;

namespace {

asio::awaitable<void> note(Clock& clock, Clock::Duration span, std::string name, std::string& log) {
  co_await clock.sleep_until(clock.now() + span);
  log += name;
}

asio::awaitable<void> hold(Clock& clock, std::shared_ptr<int> token) {
  co_await clock.sleep_until(clock.now() + 1s);
  *token = 1;
}

asio::awaitable<void> hold_clock(std::shared_ptr<Clock> clock, std::shared_ptr<int> token) {
  co_await clock->sleep_until(Clock::TimePoint::max());
  *token = 1;
}

asio::awaitable<void> sleep_often(Clock& clock, int times, std::atomic<int>& done) {
  for (int i = 0; i < times; ++i) co_await clock.sleep_until(clock.now() + 1ms);
  ++done;
}

}  // namespace

TEST_CASE("manual time stands still until it is moved, and wakes sleepers in deadline order") {
  asio::io_context io;
  ManualClock clock;
  std::string log;
  const Clock::TimePoint start = clock.now();
  asio::co_spawn(io, note(clock, 3s, "c", log), asio::detached);
  asio::co_spawn(io, note(clock, 1s, "a", log), asio::detached);
  asio::co_spawn(io, note(clock, 2s, "b", log), asio::detached);
  io.poll();
  CHECK(clock.sleepers() == 3);
  CHECK(log.empty());
  clock.advance(2s);
  CHECK(clock.sleepers() == 1);
  CHECK(log.empty());
  io.poll();
  CHECK(log == "ab");
  clock.advance(10s);
  io.run();
  CHECK(log == "abc");
  CHECK(clock.now() - start == 12s);
}

TEST_CASE("a sleep that is over at once still goes through the executor") {
  asio::io_context io;
  ManualClock clock;
  std::string log;
  asio::co_spawn(io, note(clock, 0s, "a", log), asio::detached);
  CHECK(log.empty());
  io.run();
  CHECK(log == "a");
}

TEST_CASE("the wall clock moves with time, and may be set") {
  ManualClock clock;
  const Clock::WallTime before = clock.wall_now();
  clock.advance(60s);
  CHECK(clock.wall_now() - before == 60s);
  clock.shift_wall(-1h);
  CHECK(clock.wall_now() - before == 60s - 1h);
}

TEST_CASE("a sleep in manual time ends early when it is cancelled") {
  asio::io_context io;
  ManualClock clock;
  std::string log;
  asio::cancellation_signal signal;
  auto done = [](std::exception_ptr failure) { CHECK_FALSE(failure); };
  asio::co_spawn(io, note(clock, 1h, "woken", log), asio::bind_cancellation_slot(signal.slot(), done));
  io.poll();
  signal.emit(asio::cancellation_type::terminal);
  io.run();
  CHECK(log == "woken");
  CHECK(clock.sleepers() == 0);
}

TEST_CASE("sleepers die with their clock") {
  const auto token = std::make_shared<int>(0);
  asio::io_context io;
  {
    ManualClock clock;
    asio::co_spawn(io, hold(clock, token), asio::detached);
    io.poll();
    CHECK(token.use_count() == 2);
  }
  io.restart();
  io.run();
  CHECK(token.use_count() == 1);
  CHECK(*token == 0);
}

TEST_CASE("sleepers die with their execution context, and moving time finds nobody") {
  const auto token = std::make_shared<int>(0);
  ManualClock clock;
  {
    asio::io_context io;
    asio::co_spawn(io, hold(clock, token), asio::detached);
    io.poll();
    CHECK(clock.sleepers() == 1);
  }
  CHECK(token.use_count() == 1);
  clock.advance(1h);
  CHECK(*token == 0);
}

TEST_CASE("a sleeper that owns its clock is no leak") {
  const auto token = std::make_shared<int>(0);
  {
    asio::io_context io;
    asio::co_spawn(io, hold_clock(std::make_shared<ManualClock>(), token), asio::detached);
    io.poll();
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
}

TEST_CASE("time is moved from another thread") {
  asio::io_context io;
  ManualClock clock;
  std::atomic<int> done = 0;
  for (int i = 0; i < 4; ++i) asio::co_spawn(io, sleep_often(clock, 200, done), asio::detached);
  std::thread other([&io] { io.run(); });
  while (done < 4) {
    clock.advance(1ms);
    std::this_thread::yield();
  }
  other.join();
  CHECK(done == 4);
}
