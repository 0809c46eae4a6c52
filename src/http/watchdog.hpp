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
/// One sleeping coroutine for each exchange. Setting and lifting the deadline, which happens at every chunk, is one
/// atomic store: no timer is touched. The sleeper wakes about once per timeout, looks, and sleeps on. It ends with this
/// object.
class Watchdog {
 public:
  /// `tick` is the shortest timeout that will be set; `stream` is closed on `executor` and outlives the watchdog.
  Watchdog(const asio::any_io_executor& executor, std::shared_ptr<Clock> clock, Clock::Duration tick,
           ByteStream& stream);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void expect_within(Clock::Duration timeout) noexcept { state_->deadline = clock_->now() + timeout; }
  void relax() noexcept { state_->deadline = Clock::TimePoint::max(); }
  /// True once it has closed the stream.
  [[nodiscard]] bool barked() const noexcept { return state_->barked; }

 private:
  struct State {
    std::atomic<Clock::TimePoint> deadline{Clock::TimePoint::max()};
    std::atomic<bool> barked{false};
    std::mutex mutex;
    ByteStream* stream = nullptr;  // Empty once the exchange is over.
  };

  static asio::awaitable<void> watch(std::shared_ptr<State> state, std::shared_ptr<Clock> clock, Clock::Duration tick,
                                     asio::any_io_executor executor);

  std::shared_ptr<State> state_;
  std::shared_ptr<Clock> clock_;
  Companion companion_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
