#include "event_hub.hpp"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>

#include "../base/mutant.hpp"
#include "spawn.hpp"

namespace bgxfer::inline v0::detail {

Registration::Outcome Registration::deliver(const Event& event) {
  std::lock_guard lock(running_);
  if (!callback_) return Outcome::unheard;
  try {
    // The callback may cancel itself, which destroys it: keep it alive until it has returned.
    const std::function<void(const Event&)> callback = callback_;
    callback(event);
    return Outcome::taken;
  } catch (...) {
    // An exception means "not handled": an owed event stays owed. There is nobody to pass it on to.
    return Outcome::thrown;
  }
}

void Registration::cancel() {
  std::function<void(const Event&)> gone;  // What it holds is the host's, and destroyed with no lock held.
  std::lock_guard lock(running_);
  std::swap(gone, callback_);
}

EventHub::EventHub(asio::any_io_executor executor, Dispatcher dispatch)
    : executor_(std::move(executor)), dispatch_(std::move(dispatch)) {}

void EventHub::on_delivered(std::function<void(JobId, bool taken)> delivered) {
  std::lock_guard lock(mutex_);
  delivered_ = std::move(delivered);
}

std::shared_ptr<Registration> EventHub::subscribe(std::optional<JobId> job,
                                                  std::function<void(const Event&)> callback) {
  auto registration = std::make_shared<Registration>(job, std::move(callback));
  std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  listeners_.push_back(registration);
  return registration;
}

void EventHub::post(Event event) {
  std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  if (listeners_.empty() || (BGXFER_MUTANT(27) && std::holds_alternative<JobTransferred>(event))) return;
  if (const auto* made = std::get_if<ProgressMade>(&event)) {
    for (Event& queued : waiting_) {
      auto* older = std::get_if<ProgressMade>(&queued);
      if (older && older->job == made->job) {
        *older = *made;
        return;
      }
    }
  }
  waiting_.push_back(std::move(event));
  schedule();
}

void EventHub::close() {
  std::lock_guard lock(mutex_);
  waiting_.clear();
  listeners_.clear();
  delivered_ = nullptr;
}

void EventHub::schedule() {
  if (draining_) return;
  // Two steps: the host's dispatcher is called with no lock held, whoever posted the event.
  start_once(draining_, [this] { asio::post(executor_, [hub = shared_from_this()] { hub->dispatch(); }); });
}

void EventHub::dispatch() {
  if (!dispatch_) return drain();
  try {
    dispatch_([hub = shared_from_this()] { hub->drain(); });
  } catch (...) {
    // The host did not take the call. The next event takes along what waits.
    std::lock_guard lock(mutex_);
    draining_ = false;
    throw;
  }
}

void EventHub::drain() {
  std::unique_lock lock(mutex_);
  while (!waiting_.empty()) {
    const Event event = std::move(waiting_.front());
    waiting_.pop_front();
    const std::function<void(JobId, bool)> delivered = delivered_;
    lock.unlock();
    const bool owed = std::holds_alternative<JobTransferred>(event) || std::holds_alternative<JobFailed>(event);
    const Registration::Outcome outcome = deliver(event);
    if (owed && outcome != Registration::Outcome::unheard && delivered) {
      delivered(job_of(event), outcome == Registration::Outcome::taken);
    }
    lock.lock();
  }
  draining_ = false;
}

Registration::Outcome EventHub::deliver(const Event& event) {
  std::vector<std::shared_ptr<Registration>> listeners;
  {
    std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_) {
      if (auto alive = listener.lock(); alive && alive->wants(job_of(event))) listeners.push_back(std::move(alive));
    }
  }
  Registration::Outcome best = Registration::Outcome::unheard;
  for (const auto& listener : listeners) best = std::max(best, listener->deliver(event));
  return best;
}

}  // namespace bgxfer::inline v0::detail
