#ifndef BGXFER_DISK_WORKER_HPP
#define BGXFER_DISK_WORKER_HPP

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::disk::detail {

/// One thread for calls that wait for the platter. It starts with the first call and sleeps while there is none.
///
/// A call owns all it touches: when the execution context of the awaiting coroutine dies, so does the coroutine
/// with its locals, while the call goes on. It does not own the worker, which would then have to join itself.
class Worker {
 public:
  Worker() = default;
  /// Finishes the calls that are queued, then ends the thread.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs `call` on the thread and resolves with its result, on the awaiting coroutine's executor.
  template <class T>
  static asio::awaitable<T> run(std::shared_ptr<Worker> worker, std::function<T()> call);

 private:
  struct Job {
    std::function<void()> call;
    bgxfer::detail::Suspension waiting;
  };

  asio::awaitable<void> wait_for(std::function<void()> call);
  void add(std::function<void()> call, bgxfer::detail::Suspension waiting);
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool ending_ = false;
  std::thread thread_;
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

}  // namespace bgxfer::inline v0::disk::detail

#endif
