#include "worker.hpp"

#include <signal.h>

namespace bgxfer::inline v0::disk::detail {

Worker::~Worker() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

asio::awaitable<void> Worker::wait_for(std::function<void()> call) {
  auto begin = [this, call = std::move(call)](bgxfer::detail::Suspension waiting, asio::cancellation_slot) mutable {
    add(std::move(call), std::move(waiting));
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void Worker::Wait::end(bool leave) {
  bgxfer::detail::Suspension ended;
  {
    const std::lock_guard lock(mutex);
    ended = std::move(waiting);
    // Whoever comes second finds that nobody waits any more.
    if (ended) left = leave;
  }
  ended.resume();
}

bool Worker::Wait::is_left() {
  const std::lock_guard lock(mutex);
  return left;
}

asio::awaitable<void> Worker::wait_or_leave(std::shared_ptr<Worker> worker, std::function<void()> call,
                                            std::shared_ptr<Wait> wait) {
  auto begin = [worker = std::move(worker), call = std::move(call), wait = std::move(wait)](
                   bgxfer::detail::Suspension waiting, asio::cancellation_slot slot) mutable {
    {
      const std::lock_guard lock(wait->mutex);
      wait->waiting = std::move(waiting);
    }
    if (slot.is_connected()) {
      // The slot may keep its handler for longer than the wait lasts.
      slot.assign([weak = std::weak_ptr<Wait>(wait)](asio::cancellation_type) {
        if (const std::shared_ptr<Wait> waited = weak.lock()) waited->end(true);
      });
    }
    std::function<void()> whole = [wait, call = std::move(call)]() mutable {
      call();
      // What the call owned is gone before the coroutine goes on.
      call = nullptr;
      wait->end(false);
    };
    worker->add(std::move(whole), bgxfer::detail::Suspension());
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void Worker::add(std::function<void()> call, bgxfer::detail::Suspension waiting) {
  Job job{std::move(call), std::move(waiting)};
  {
    std::lock_guard lock(mutex_);
    // Those in line have been promised the idle threads already.
    if (idle_ <= jobs_.size() && threads_.size() < threads_max_) start_thread();
    if (!threads_.empty()) {
      jobs_.push_back(std::move(job));
      changed_.notify_one();
      return;
    }
  }
  // The system gives no thread at all: better the caller waits than nobody works.
  carry_out(std::move(job));
}

void Worker::carry_out(Job job) {
  job.call();
  // What the call owned is gone before the coroutine goes on: descriptors are closed when their users say so.
  job.call = nullptr;
  job.waiting.resume();
}

void Worker::start_thread() {
  // The host's signals are none of these threads' business: they inherit a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    threads_.emplace_back(&Worker::work, this);
  } catch (...) {
    // Those that there are do the work, or the caller does.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    carry_out(std::move(job));
    lock.lock();
  }
}

}  // namespace bgxfer::inline v0::disk::detail
