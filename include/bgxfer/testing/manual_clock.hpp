#ifndef BGXFER_TESTING_MANUAL_CLOCK_HPP
#define BGXFER_TESTING_MANUAL_CLOCK_HPP

#include <cstddef>
#include <memory>

#include <bgxfer/clock.hpp>

namespace bgxfer::inline v0::testing {

namespace detail {
class VirtualTime;
}

/// Time that moves when a test says so, waking sleepers in deadline order.
///
/// Works with any executor: a sleeper goes on through its own. Every member may be called from any thread. For
/// whole worlds without threads, where time jumps to the next deadline by itself, see `Simulation`.
///
/// A sleeper counts as outstanding work of its executor. If the executor's context dies before the clock, its
/// sleepers die with it.
class BGXFER_API ManualClock final : public Clock {
 public:
  ManualClock();
  /// Ends the coroutines that still sleep, without waking them.
  ~ManualClock() override;
  ManualClock(const ManualClock&) = delete;
  ManualClock& operator=(const ManualClock&) = delete;

  /// Starts at an hour past the origin, so that subtracting some minutes does no harm.
  [[nodiscard]] TimePoint now() const noexcept override;
  /// Starts at 2024-01-01T01:00:00Z and moves with `now`.
  [[nodiscard]] WallTime wall_now() const noexcept override;
  /// A sleep until `TimePoint::max()` ends only by cancellation.
  asio::awaitable<void> sleep_until(TimePoint when) override;

  /// Moves time by `by`, from deadline to deadline, and lets those go on whose time has come. They have been posted to
  /// their executors, not run, when this returns.
  void advance(Duration by);
  /// Sets the wall clock forward or back, as an administrator would. Monotonic time and sleepers notice nothing.
  void shift_wall(Duration by) noexcept;

  /// How many coroutines sleep until some point in time.
  [[nodiscard]] std::size_t sleepers() const;

 private:
  std::shared_ptr<detail::VirtualTime> time_;
};

}  // namespace bgxfer::inline v0::testing

#endif
