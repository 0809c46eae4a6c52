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

void EventHub::on_delivered(Delivered delivered) {
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

void EventHub::post(Event event, std::uint64_t edition) {
  std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  if (listeners_.empty() || (BGXFER_MUTANT(27) && std::holds_alternative<JobTransferred>(event))) return;
  if (const auto* made = std::get_if<ProgressMade>(&event)) {
    for (Posted& queued : waiting_) {
      auto* older = std::get_if<ProgressMade>(&queued.event);
      if (older && older->job == made->job) {
        *older = *made;
        return;
      }
    }
  }
  waiting_.push_back(Posted{std::move(event), edition});
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
  try {
    while (const std::optional<Telling> telling = next()) tell(*telling);
  } catch (...) {
    // No memory. What still waits is told with the next event.
    std::lock_guard lock(mutex_);
    draining_ = false;
    throw;
  }
}

std::optional<EventHub::Telling> EventHub::next() {
  Telling telling;  // Made before the lock: what it holds may be the host's last of it.
  std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    draining_ = false;
    return std::nullopt;
  }
  for (const auto& listener : listeners_) {
    if (auto alive = listener.lock(); alive && alive->wants(job_of(waiting_.front().event))) {
      telling.listeners.push_back(std::move(alive));
    }
  }
  telling.delivered = delivered_;
  telling.posted = std::move(waiting_.front());  // Last: nothing can fail any more.
  waiting_.pop_front();
  return telling;
}

void EventHub::tell(const Telling& telling) {
  const Event& event = telling.posted.event;
  Registration::Outcome best = Registration::Outcome::unheard;
  for (const auto& listener : telling.listeners) best = std::max(best, listener->deliver(event));
  const bool owed = std::holds_alternative<JobTransferred>(event) || std::holds_alternative<JobFailed>(event);
  if (owed && best != Registration::Outcome::unheard && telling.delivered) {
    telling.delivered(job_of(event), telling.posted.edition, best == Registration::Outcome::taken);
  }
}

}  // namespace bgxfer::inline v0::detail
