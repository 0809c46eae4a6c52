#include <bgxfer/testing/simulation.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>

#include "ports/strand.hpp"

using namespace std::chrono_literals;
using bgxfer::Clock;
using bgxfer::testing::Simulation;

namespace {

asio::awaitable<void> sleeper(std::shared_ptr<Clock> clock, Clock::Duration span, std::string name, std::string& log) {
  co_await clock->sleep_until(clock->now() + span);
  log += name;
}

asio::awaitable<void> ticker(std::shared_ptr<Clock> clock, int rounds, int& ticks) {
  for (int i = 0; i < rounds; ++i) {
    co_await clock->sleep_until(clock->now() + 1s);
    ++ticks;
  }
}

asio::awaitable<void> spinner(std::shared_ptr<Clock> clock) {
  for (;;) co_await clock->sleep_until(clock->now());
}

// Tells when the frame that holds it is destroyed.
class Tombstone {
 public:
  explicit Tombstone(int& count) : count_(&count) {}
  Tombstone(Tombstone&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  ~Tombstone() {
    if (count_) ++*count_;
  }

 private:
  int* count_;
};

asio::awaitable<void> mortal(std::shared_ptr<Clock> clock, Tombstone, Clock::TimePoint until) {
  co_await clock->sleep_until(until);
}

asio::awaitable<void> thrower(std::shared_ptr<Clock> clock) {
  co_await clock->sleep_until(clock->now() + 1s);
  throw std::runtime_error("escaped");
}

void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

std::string order_of(std::uint64_t seed) {
  Simulation simulation(seed);
  std::string log;
  for (char name = 'a'; name <= 'h'; ++name) {
    asio::post(simulation.executor(), [&log, name] { log += name; });
  }
  simulation.run();
  return log;
}

}  // namespace

TEST_CASE("an hour of sleep costs no time, and sleepers wake in deadline order") {
  Simulation simulation;
  const Clock::TimePoint start = simulation.clock()->now();
  const Clock::WallTime wall_start = simulation.clock()->wall_now();
  std::string log;
  asio::co_spawn(simulation.executor(), sleeper(simulation.clock(), 3600s, "c", log), asio::detached);
  asio::co_spawn(simulation.executor(), sleeper(simulation.clock(), 1s, "a", log), asio::detached);
  asio::co_spawn(simulation.executor(), sleeper(simulation.clock(), 2s, "b", log), asio::detached);
  CHECK(simulation.run());
  CHECK(log == "abc");
  CHECK(simulation.clock()->now() - start == 3600s);
  CHECK(simulation.clock()->wall_now() - wall_start == 3600s);
  CHECK(simulation.sleepers() == 0);
}

TEST_CASE("with seed 0 ready work runs first in, first out") { CHECK(order_of(0) == "abcdefgh"); }

TEST_CASE("another seed is another order, and the same seed the same one") {
  CHECK(order_of(1) == order_of(1));
  CHECK(order_of(2) == order_of(2));
  CHECK(order_of(1) != order_of(2));
  CHECK(order_of(1) != "abcdefgh");
}

TEST_CASE("what needs no time to pass runs while time stands still") {
  Simulation simulation;
  int ticks = 0;
  asio::co_spawn(simulation.executor(), ticker(simulation.clock(), 10, ticks), asio::detached);
  CHECK(simulation.run_ready());
  CHECK(ticks == 0);
  CHECK(simulation.sleepers() == 1);
  CHECK(simulation.run_for(3500ms));
  CHECK(ticks == 3);
  simulation.advance(500ms);
  CHECK(ticks == 3);
  CHECK(simulation.ready() == 1);
  CHECK(simulation.run_ready());
  CHECK(ticks == 4);
  CHECK(simulation.run_until([&] { return ticks == 7; }));
  CHECK(ticks == 7);
  CHECK_FALSE(simulation.run_until([&] { return ticks == 11; }));
  CHECK(ticks == 10);
}

TEST_CASE("a livelock ends at the step limit") {
  Simulation simulation;
  asio::co_spawn(simulation.executor(), spinner(simulation.clock()), asio::detached);
  CHECK_FALSE(simulation.run_until([] { return false; }, 1000));
  CHECK(simulation.steps() == 1000);
}

TEST_CASE("a sleep is cancelled through the cancellation slot, without an exception") {
  Simulation simulation;
  std::string log;
  asio::cancellation_signal signal;
  std::exception_ptr failure;
  auto done = [&failure](std::exception_ptr escaped) { failure = escaped; };
  const Clock::TimePoint start = simulation.clock()->now();
  asio::co_spawn(simulation.executor(), sleeper(simulation.clock(), 3600s, "woken", log),
                 asio::bind_cancellation_slot(signal.slot(), done));
  simulation.run_for(1s);
  signal.emit(asio::cancellation_type::terminal);
  CHECK(simulation.run());
  CHECK(log == "woken");
  CHECK_FALSE(failure);
  CHECK(simulation.clock()->now() - start == 1s);
}

TEST_CASE("a sleep without end is no timer: it holds up neither run nor the count") {
  Simulation simulation;
  int dead = 0;
  asio::co_spawn(simulation.executor(), mortal(simulation.clock(), Tombstone(dead), Clock::TimePoint::max()),
                 asio::detached);
  CHECK(simulation.run());
  CHECK(simulation.sleepers() == 0);
  CHECK(dead == 0);
  simulation.kill();
  CHECK(dead == 1);
}

TEST_CASE("the end of the world ends sleeping and ready coroutines cleanly") {
  int dead = 0;
  std::shared_ptr<Clock> clock;
  {
    Simulation simulation(7);
    clock = simulation.clock();
    for (int i = 0; i < 3; ++i) {
      asio::co_spawn(simulation.executor(), mortal(clock, Tombstone(dead), clock->now() + 1s), asio::detached);
    }
    simulation.run_ready();
    asio::co_spawn(simulation.executor(), mortal(clock, Tombstone(dead), clock->now() + 1s), asio::detached);
  }
  CHECK(dead == 4);
}

TEST_CASE("after the death of the process a new life runs in the same world") {
  Simulation simulation(3);
  int ticks = 0;
  asio::co_spawn(simulation.executor(), ticker(simulation.clock(), 100, ticks), asio::detached);
  simulation.run_for(10s);
  simulation.kill();
  CHECK(simulation.sleepers() == 0);
  CHECK(simulation.run());
  CHECK(ticks == 10);
  asio::co_spawn(simulation.executor(), ticker(simulation.clock(), 5, ticks), asio::detached);
  CHECK(simulation.run());
  CHECK(ticks == 15);
}

TEST_CASE("an exception that escapes a step leaves run, and the world goes on") {
  Simulation simulation;
  int ticks = 0;
  asio::co_spawn(simulation.executor(), thrower(simulation.clock()), rethrow);
  asio::co_spawn(simulation.executor(), ticker(simulation.clock(), 3, ticks), asio::detached);
  CHECK_THROWS_WITH(simulation.run(), "escaped");
  CHECK(simulation.run());
  CHECK(ticks == 3);
}

TEST_CASE("stop ends a run after the step that called it") {
  Simulation simulation;
  int ran = 0;
  asio::post(simulation.executor(), [&] {
    ++ran;
    simulation.stop();
  });
  asio::post(simulation.executor(), [&] { ++ran; });
  CHECK_FALSE(simulation.run());
  CHECK(ran == 1);
  CHECK(simulation.run());
  CHECK(ran == 2);
}

TEST_CASE("strands work on the simulated executor") {
  Simulation simulation(11);
  auto strand = asio::make_strand(simulation.executor());
  std::string log;
  for (char name = 'a'; name <= 'e'; ++name) asio::post(strand, [&log, name] { log += name; });
  asio::co_spawn(strand, sleeper(simulation.clock(), 1s, "f", log), asio::detached);
  CHECK(simulation.run());
  CHECK(log == "abcdef");
}

TEST_CASE("executors of one world are equal, of two worlds are not") {
  Simulation one;
  Simulation two;
  CHECK(one.executor() == one.executor());
  CHECK(one.executor() != two.executor());
}

TEST_CASE("the wall clock may be set, and sleepers notice nothing") {
  Simulation simulation;
  const Clock::WallTime before = simulation.clock()->wall_now();
  const Clock::TimePoint start = simulation.clock()->now();
  simulation.shift_wall(-48h);
  CHECK(simulation.clock()->wall_now() == before - 48h);
  CHECK(simulation.clock()->now() == start);
}

TEST_CASE("what is given to an executor or a strand of a life that is over is dropped") {
  Simulation simulation;
  const asio::any_io_executor old = simulation.executor();
  const asio::any_io_executor strand = bgxfer::detail::Strand(old);
  bool ran = false;
  simulation.kill();
  asio::post(old, [&] { ran = true; });
  asio::post(strand, [&] { ran = true; });
  simulation.run();
  CHECK(!ran);
  asio::post(simulation.executor(), [&] { ran = true; });
  simulation.run();
  CHECK(ran);
}
