#include "crew.hpp"

#include <signal.h>

#include <system_error>
#include <utility>

namespace bgxfer::inline v0::httplib::detail {

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    line_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<void> Crew::run(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  // Those in line have been promised the idle threads already.
  if (idle_ <= line_.size() && threads_.size() < threads_max_) {
    try {
      start_thread();
    } catch (const std::system_error& failure) {
      if (threads_.empty()) return Error(failure.code(), ErrorContext::transport, "no thread can be started");
    }
  }
  line_.push_back(std::move(work));
  changed_.notify_one();
  return {};
}

void Crew::start_thread() {
  // The host's signals are none of these threads' business; and SIGPIPE, which cpp-httplib does not prevent, stays
  // with the thread that caused it, where it is blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    threads_.emplace_back(&Crew::labour, this);
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Crew::labour() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !line_.empty(); });
    --idle_;
    if (ending_) return;
    std::function<void()> work = std::move(line_.front());
    line_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace bgxfer::inline v0::httplib::detail
