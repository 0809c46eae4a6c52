#include "worker.hpp"

#include <signal.h>

namespace bgxfer::inline v0::disk::detail {

Worker::~Worker() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

asio::awaitable<void> Worker::wait_for(std::function<void()> call) {
  auto begin = [this, call = std::move(call)](bgxfer::detail::Suspension waiting, asio::cancellation_slot) mutable {
    add(std::move(call), std::move(waiting));
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void Worker::add(std::function<void()> call, bgxfer::detail::Suspension waiting) {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    // The host's signals are none of this thread's business: it inherits a mask that blocks them all.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread(&Worker::work, this);
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  jobs_.push_back(Job{std::move(call), std::move(waiting)});
  changed_.notify_one();
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.call();
    // What the call owned is gone before the coroutine goes on: descriptors are closed when their users say so.
    job.call = nullptr;
    job.waiting.resume();
    lock.lock();
  }
}

}  // namespace bgxfer::inline v0::disk::detail
