#ifndef BGXFER_DISK_WORKER_HPP
#define BGXFER_DISK_WORKER_HPP

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::disk::detail {

/// Threads for calls that wait for the platter or for a server of files: one, unless more are allowed. One starts when
/// there is a call and none is free, and where the system gives none at all the caller's own makes the call; they sleep
/// while there are no calls. With one thread calls keep their order.
///
/// A call owns all it touches: when the execution context of the awaiting coroutine dies, so does the coroutine
/// with its locals, while the call goes on. It does not own the worker, which would then have to join itself.
class Worker {
 public:
  explicit Worker(std::size_t threads_max = 1) : threads_max_(threads_max) {}
  /// Finishes the calls that are queued, then ends the threads.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs `call` on a thread and resolves with its result, on the awaiting coroutine's executor.
  template <class T>
  static asio::awaitable<T> run(std::shared_ptr<Worker> worker, std::function<T()> call);

  /// Runs `call` on a thread some time, and tells nobody. It throws nothing.
  void begin(std::function<void()> call) { add(std::move(call), bgxfer::detail::Suspension()); }

  /// The same as `run` for a call that nobody has to wait for: cancelling the coroutine resolves this soon, with
  /// nothing. What the call returns then is dropped, and a call that had not begun never does.
  template <class T>
  static asio::awaitable<std::optional<T>> run_or_leave(std::shared_ptr<Worker> worker, std::function<T()> call);

 private:
  struct Job {
    std::function<void()> call;
    bgxfer::detail::Suspension waiting;
  };

  /// A wait that ends with the call or with its cancellation, whichever comes first.
  struct Wait {
    std::mutex mutex;
    bool left = false;
    bgxfer::detail::Suspension waiting;

    void end(bool leave);
    bool is_left();
  };

  asio::awaitable<void> wait_for(std::function<void()> call);
  static asio::awaitable<void> wait_or_leave(std::shared_ptr<Worker> worker, std::function<void()> call,
                                             std::shared_ptr<Wait> wait);
  void add(std::function<void()> call, bgxfer::detail::Suspension waiting);
  static void carry_out(Job job);
  void start_thread();
  void work();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

template <class T>
asio::awaitable<T> Worker::run(std::shared_ptr<Worker> worker, std::function<T()> call) {
  struct Outcome {
    std::optional<T> value;
    std::exception_ptr thrown;
  };
  const std::shared_ptr<Outcome> outcome = std::make_shared<Outcome>();
  std::function<void()> job = [outcome, call = std::move(call)] {
    try {
      outcome->value.emplace(call());
    } catch (...) {
      outcome->thrown = std::current_exception();
    }
  };
  co_await worker->wait_for(std::move(job));
  if (outcome->thrown) std::rethrow_exception(outcome->thrown);
  T value = *std::move(outcome->value);
  co_return value;
}

template <class T>
asio::awaitable<std::optional<T>> Worker::run_or_leave(std::shared_ptr<Worker> worker, std::function<T()> call) {
  struct Outcome {
    std::optional<T> value;
    std::exception_ptr thrown;
  };
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return std::nullopt;
  const std::shared_ptr<Outcome> outcome = std::make_shared<Outcome>();
  const std::shared_ptr<Wait> wait = std::make_shared<Wait>();
  std::function<void()> job = [outcome, wait, call = std::move(call)] {
    if (wait->is_left()) return;
    try {
      outcome->value.emplace(call());
    } catch (...) {
      outcome->thrown = std::current_exception();
    }
  };
  co_await wait_or_leave(std::move(worker), std::move(job), wait);
  // A call that was left may still be writing into the outcome.
  if (wait->is_left()) co_return std::nullopt;
  if (outcome->thrown) std::rethrow_exception(outcome->thrown);
  std::optional<T> value = std::move(outcome->value);
  co_return value;
}

}  // namespace bgxfer::inline v0::disk::detail

#endif
