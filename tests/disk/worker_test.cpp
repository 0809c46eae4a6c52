#include "disk/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

using bgxfer::disk::detail::Worker;

namespace {

/// A door that threads wait at until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for(int threads) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == threads; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

asio::awaitable<void> leave_or_get(std::shared_ptr<Worker> worker, std::function<int()> call, std::optional<int>& into,
                                   bool& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  into = co_await Worker::run_or_leave(std::move(worker), std::move(call));
  ended = true;
}

void rethrow_failure(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

TEST_CASE("a coroutine that is cancelled leaves a call that hangs, and the call's result is nobody's") {
  Gate gate;
  auto worker = std::make_shared<Worker>();
  std::optional<int> got = 1;
  bool ended = false;
  std::atomic<bool> returned = false;
  {
    asio::io_context io;
    asio::cancellation_signal cancel;
    std::function<int()> hang = [&] {
      gate.pass();
      returned = true;
      return 7;
    };
    asio::co_spawn(io, leave_or_get(worker, std::move(hang), got, ended),
                   asio::bind_cancellation_slot(cancel.slot(), rethrow_failure));
    io.poll();
    gate.wait_for(1);
    cancel.emit(asio::cancellation_type::terminal);
    io.run();
  }
  CHECK(ended);
  CHECK_FALSE(got);
  CHECK_FALSE(returned);
  gate.open();
  worker.reset();  // Waits for the call.
  CHECK(returned);
}

TEST_CASE("a call that was left before it began never begins") {
  Gate gate;
  auto worker = std::make_shared<Worker>();
  asio::io_context io;
  asio::cancellation_signal cancel;
  std::optional<int> first;
  std::optional<int> second = 1;
  bool first_ended = false;
  bool second_ended = false;
  bool begun = false;
  asio::co_spawn(io,
                 leave_or_get(
                     worker,
                     [&] {
                       gate.pass();
                       return 7;
                     },
                     first, first_ended),
                 rethrow_failure);
  asio::co_spawn(io,
                 leave_or_get(
                     worker,
                     [&] {
                       begun = true;
                       return 8;
                     },
                     second, second_ended),
                 asio::bind_cancellation_slot(cancel.slot(), rethrow_failure));
  io.poll();
  cancel.emit(asio::cancellation_type::terminal);
  gate.wait_for(1);
  gate.open();
  io.run();
  CHECK(first == 7);
  CHECK(second_ended);
  CHECK_FALSE(second);
  worker.reset();
  CHECK_FALSE(begun);
}

TEST_CASE("as many calls hang at once as there may be threads") {
  Gate gate;
  auto worker = std::make_shared<Worker>(3);
  asio::io_context io;
  std::vector<std::optional<int>> got(5);
  bool ended = false;
  for (std::optional<int>& one : got) {
    std::function<int()> hang = [&] {
      gate.pass();
      return 7;
    };
    asio::co_spawn(io, leave_or_get(worker, std::move(hang), one, ended), rethrow_failure);
  }
  io.poll();
  gate.wait_for(3);
  gate.open();
  io.run();
  for (const std::optional<int>& one : got) CHECK(one == 7);
}

TEST_CASE("what a call throws arrives at its coroutine") {
  auto worker = std::make_shared<Worker>();
  asio::io_context io;
  std::optional<int> got;
  bool ended = false;
  std::function<int()> fail = []() -> int { throw std::runtime_error("no"); };
  asio::co_spawn(io, leave_or_get(worker, std::move(fail), got, ended), rethrow_failure);
  CHECK_THROWS_WITH_AS(io.run(), "no", std::runtime_error);
}
