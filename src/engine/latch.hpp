#ifndef BGXFER_SRC_ENGINE_LATCH_HPP
#define BGXFER_SRC_ENGINE_LATCH_HPP

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::detail {

/// Wakes coroutines when something has changed. Thread-safe; any number may wait, each on its own executor.
///
/// A waiter reads `version`, looks at what it waits for, and if that is not there yet awaits
/// `changed_since(version)`: a change in between is not missed. The latch outlives its waiters.
class Latch {
 public:
  Latch() = default;
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  [[nodiscard]] std::uint64_t version() const {
    std::lock_guard lock(mutex_);
    return version_;
  }

  /// Wakes everyone who waits. They are resumed later, on their own executors, never inside this call.
  void notify() {
    std::vector<std::shared_ptr<Waiter>> woken;
    {
      std::lock_guard lock(mutex_);
      ++version_;
      woken.swap(waiters_);
    }
    for (const auto& waiter : woken) waiter->suspension.resume();
  }

  /// Resolves with true once `notify` has been called after `seen` was read; with false if the wait was cancelled.
  asio::awaitable<bool> changed_since(std::uint64_t seen) {
    auto waiter = std::make_shared<Waiter>();
    auto start = [this, waiter, seen](Suspension suspension, asio::cancellation_slot slot) {
      waiter->suspension = std::move(suspension);
      if (slot.is_connected()) {
        slot.assign([this, weak = std::weak_ptr<Waiter>(waiter)](asio::cancellation_type) { give_up(weak.lock()); });
      }
      enter(waiter, seen);
    };
    asio::awaitable<void> woken = suspend(std::move(start));
    co_await std::move(woken);
    co_return !waiter->given_up;
  }

 private:
  struct Waiter {
    Suspension suspension;
    bool given_up = false;
  };

  void enter(const std::shared_ptr<Waiter>& waiter, std::uint64_t seen) {
    {
      std::lock_guard lock(mutex_);
      if (version_ == seen) {
        waiters_.push_back(waiter);
        return;
      }
    }
    waiter->suspension.resume();
  }

  void give_up(const std::shared_ptr<Waiter>& waiter) {
    {
      std::lock_guard lock(mutex_);
      if (!waiter || std::erase(waiters_, waiter) == 0) return;  // It is on its way already.
    }
    waiter->given_up = true;
    waiter->suspension.resume();
  }

  mutable std::mutex mutex_;
  std::uint64_t version_ = 0;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace bgxfer::inline v0::detail

#endif
