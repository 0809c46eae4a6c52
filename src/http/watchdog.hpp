#ifndef BGXFER_HTTP_WATCHDOG_HPP
#define BGXFER_HTTP_WATCHDOG_HPP

#include <atomic>
#include <memory>
#include <mutex>

#include <bgxfer/clock.hpp>
#include <bgxfer/network.hpp>

#include "companion.hpp"

namespace bgxfer::inline v0::http::detail {

/// Closes a stream whose pending operation takes too long.
///
/// One sleeping coroutine for each connection, whatever number of exchanges it serves. Setting and lifting the
/// deadline, which happens at every chunk, is one atomic step: no timer is touched. The sleeper wakes about once per
/// timeout, looks, and sleeps on. It ends with this object. The deadline is the business of the stream's user alone.
class Watchdog {
 public:
  /// `tick` is the shortest timeout that will be set; `stream` is closed on `executor` and outlives the watchdog.
  Watchdog(const asio::any_io_executor& executor, std::shared_ptr<Clock> clock, Clock::Duration tick,
           ByteStream& stream);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void expect_within(Clock::Duration timeout) noexcept { set_deadline(clock_->now() + timeout); }
  void relax() noexcept { set_deadline(Clock::TimePoint::max()); }
  /// True once it has closed the stream, or is about to: the stream is of no use any more.
  [[nodiscard]] bool barked() const noexcept { return barked_ || state_->deadline.load() == over; }
  /// Whether it still watches, and for a user on `executor`.
  [[nodiscard]] bool watches_on(const asio::any_io_executor& executor) const noexcept {
    return companion_.runs_beside(executor);
  }

 private:
  static constexpr Clock::TimePoint over = Clock::TimePoint::min();  ///< In place of a deadline that has passed.

  struct State {
    std::atomic<Clock::TimePoint> deadline{Clock::TimePoint::max()};
    std::mutex mutex;
    ByteStream* stream = nullptr;  // Empty once nobody watches it any more.
  };

  /// An exchange that ends at the very moment in which its time is up has been closed all the same, and knows it.
  void set_deadline(Clock::TimePoint when) noexcept {
    if (state_->deadline.exchange(when) == over) barked_ = true;
  }

  static asio::awaitable<void> watch(std::shared_ptr<State> state, std::shared_ptr<Clock> clock, Clock::Duration tick,
                                     asio::any_io_executor executor);

  std::shared_ptr<State> state_;
  std::shared_ptr<Clock> clock_;
  Companion companion_;
  bool barked_ = false;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
