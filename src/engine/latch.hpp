#ifndef BGXFER_SRC_ENGINE_LATCH_HPP
#define BGXFER_SRC_ENGINE_LATCH_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/execution.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/use_awaitable.hpp>

#include <bgxfer/detail/asio.hpp>

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
    for (const auto& waiter : woken) waiter->resume(true);
  }

  /// Resolves with true once `notify` has been called after `seen` was read; with false if the wait was cancelled.
  asio::awaitable<bool> changed_since(std::uint64_t seen) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(Initiate{this, seen}, asio::use_awaitable);
  }

 private:
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void resume(bool changed) = 0;
  };

  template <class Handler>
  struct WaiterOf final : Waiter {
    explicit WaiterOf(Handler&& waiting)
        : handler(std::move(waiting)),
          // While somebody waits the executor has work, or its `run` would return under them.
          executor(asio::prefer(asio::any_io_executor(asio::get_associated_executor(handler)),
                                asio::execution::outstanding_work.tracked)) {}

    void resume(bool changed) override {
      asio::any_io_executor where = executor;
      asio::post(where, [handler = std::move(handler), changed]() mutable { std::move(handler)(changed); });
    }

    Handler handler;
    asio::any_io_executor executor;
  };

  struct Initiate {
    Latch* latch;
    std::uint64_t seen;

    template <class Handler>
    void operator()(Handler&& handler) const {
      auto slot = asio::get_associated_cancellation_slot(handler);
      auto waiter = std::make_shared<WaiterOf<std::decay_t<Handler>>>(std::move(handler));
      if (slot.is_connected()) {
        slot.assign([latch = latch, weak = std::weak_ptr<Waiter>(waiter)](asio::cancellation_type) {
          if (std::shared_ptr<Waiter> found = weak.lock(); found && latch->remove(found)) found->resume(false);
        });
      }
      latch->enter(std::move(waiter), seen);
    }
  };

  void enter(std::shared_ptr<Waiter> waiter, std::uint64_t seen) {
    {
      std::lock_guard lock(mutex_);
      if (version_ == seen) {
        waiters_.push_back(std::move(waiter));
        return;
      }
    }
    waiter->resume(true);
  }

  bool remove(const std::shared_ptr<Waiter>& waiter) {
    std::lock_guard lock(mutex_);
    return std::erase(waiters_, waiter) > 0;
  }

  mutable std::mutex mutex_;
  std::uint64_t version_ = 0;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace bgxfer::inline v0::detail

#endif
