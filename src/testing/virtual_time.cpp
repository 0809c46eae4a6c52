#include "virtual_time.hpp"

#include <algorithm>

namespace bgxfer::inline v0::testing::detail {

namespace {

// 2024-01-01T00:00:00Z: a date that servers could send.
constexpr Clock::WallTime virtual_wall_origin{std::chrono::seconds{1704067200}};

}  // namespace

VirtualTime::WallTime VirtualTime::wall_now() const noexcept {
  const Duration since_origin{now_.load(std::memory_order_acquire) + wall_shift_.load()};
  return virtual_wall_origin + std::chrono::duration_cast<WallTime::duration>(since_origin);
}

asio::awaitable<void> VirtualTime::sleep_until(TimePoint when) {
  auto begin = [self = shared_from_this(), when](Suspension sleeper, asio::cancellation_slot slot) {
    self->add(when, std::move(sleeper), slot);
  };
  return bgxfer::detail::suspend(std::move(begin));
}

asio::awaitable<void> VirtualTime::sleep_until(TimePoint when, Alarm& alarm) {
  auto begin = [self = shared_from_this(), when, &alarm](Suspension sleeper, asio::cancellation_slot slot) {
    alarm = self->add(when, std::move(sleeper), slot);
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void VirtualTime::wake(Alarm& alarm) {
  if (!alarm) return;
  // A sleeper that has gone on left its key behind; it opens nothing any more.
  if (Suspension woken = take(*std::exchange(alarm, std::nullopt))) woken.resume();
}

VirtualTime::Key VirtualTime::add(TimePoint when, Suspension sleeper, asio::cancellation_slot slot) {
  std::unique_lock lock(mutex_);
  const Key key{when, count_++};
  if (when <= now()) {
    lock.unlock();
    sleeper.resume();
    return key;
  }
  if (slot.is_connected()) {
    // A copy of the slot's callback may stay behind after the sleep; it then finds nobody under its key.
    slot.assign([time = weak_from_this(), key](asio::cancellation_type) {
      const std::shared_ptr<VirtualTime> alive = time.lock();
      if (!alive) return;
      if (Suspension woken = alive->take(key)) woken.resume();
    });
  }
  sleepers_.emplace(key, std::move(sleeper));
  if (when == TimePoint::max()) ++endless_;
  return key;
}

VirtualTime::Suspension VirtualTime::take(Key key) {
  std::lock_guard lock(mutex_);
  const auto found = sleepers_.find(key);
  if (found == sleepers_.end()) return {};
  Suspension taken = std::move(found->second);
  sleepers_.erase(found);
  if (key.first == TimePoint::max()) --endless_;
  return taken;
}

VirtualTime::Suspension VirtualTime::take_due(TimePoint until) {
  std::lock_guard lock(mutex_);
  const auto first = sleepers_.begin();
  if (first == sleepers_.end() || first->first.first > until || first->first.first == TimePoint::max()) return {};
  now_.store(std::max(now(), first->first.first).time_since_epoch().count(), std::memory_order_release);
  Suspension taken = std::move(first->second);
  sleepers_.erase(first);
  return taken;
}

void VirtualTime::move_to(TimePoint when) {
  // Resumed without the lock: the sleeper's executor is somebody else's code.
  while (Suspension due = take_due(when)) due.resume();
  std::lock_guard lock(mutex_);
  now_.store(std::max(now(), when).time_since_epoch().count(), std::memory_order_release);
}

std::optional<VirtualTime::TimePoint> VirtualTime::next() const {
  std::lock_guard lock(mutex_);
  if (sleepers_.empty() || sleepers_.begin()->first.first == TimePoint::max()) return std::nullopt;
  return sleepers_.begin()->first.first;
}

std::size_t VirtualTime::sleepers() const {
  std::lock_guard lock(mutex_);
  return sleepers_.size() - endless_;
}

void VirtualTime::drop() {
  std::map<Key, Suspension> dropped;  // destroyed after the lock
  std::lock_guard lock(mutex_);
  dropped.swap(sleepers_);
  endless_ = 0;
}

}  // namespace bgxfer::inline v0::testing::detail
