#ifndef BGXFER_TESTING_VIRTUAL_TIME_HPP
#define BGXFER_TESTING_VIRTUAL_TIME_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <bgxfer/clock.hpp>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::testing::detail {

/// Time that moves only when told, and those who sleep in it. Any thread. Held by `shared_ptr`.
class VirtualTime final : public std::enable_shared_from_this<VirtualTime> {
 public:
  using Duration = Clock::Duration;
  using TimePoint = Clock::TimePoint;
  using WallTime = Clock::WallTime;

  [[nodiscard]] TimePoint now() const noexcept { return TimePoint{Duration{now_.load(std::memory_order_acquire)}}; }
  [[nodiscard]] WallTime wall_now() const noexcept;
  asio::awaitable<void> sleep_until(TimePoint when);

  /// Wakes one sleeper before its time. Empty while nobody sleeps by it.
  using Alarm = std::optional<std::pair<TimePoint, std::uint64_t>>;
  /// As `sleep_until`, and `wake(alarm)` ends it too. `alarm` outlives the sleep.
  asio::awaitable<void> sleep_until(TimePoint when, Alarm& alarm);
  void wake(Alarm& alarm);

  /// Moves time to `when`, deadline by deadline, and lets those go on whose time has come. Never moves it back.
  void move_to(TimePoint when);
  void shift_wall(Duration by) noexcept { wall_shift_.fetch_add(by.count()); }

  /// The next deadline; empty if nobody waits for one. `TimePoint::max()` is no deadline.
  [[nodiscard]] std::optional<TimePoint> next() const;
  /// How many wait for a deadline.
  [[nodiscard]] std::size_t sleepers() const;
  /// Ends every sleeping coroutine where it stands.
  void drop();

 private:
  // Those with the same deadline wake in the order in which they went to sleep.
  using Key = std::pair<TimePoint, std::uint64_t>;
  using Suspension = bgxfer::detail::Suspension;

  Key add(TimePoint when, Suspension sleeper, asio::cancellation_slot slot);
  Suspension take(Key key);
  Suspension take_due(TimePoint until);

  std::atomic<std::int64_t> now_{std::chrono::nanoseconds{std::chrono::hours{1}}.count()};
  std::atomic<std::int64_t> wall_shift_{0};
  mutable std::mutex mutex_;
  std::map<Key, Suspension> sleepers_;
  std::size_t endless_ = 0;  // of them sleep until `TimePoint::max()`
  std::uint64_t count_ = 0;
};

}  // namespace bgxfer::inline v0::testing::detail

#endif
