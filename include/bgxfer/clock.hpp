#ifndef BGXFER_CLOCK_HPP
#define BGXFER_CLOCK_HPP

#include <chrono>
#include <memory>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0 {

/// Time and sleeping: the only source of either for the engine and the transports.
///
/// An implementation is safe to call from any thread.
class BGXFER_API Clock {
 public:
  using Duration = std::chrono::nanoseconds;
  using TimePoint = std::chrono::time_point<Clock, Duration>;
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~Clock();

  /// Monotonic time: never goes back, whatever happens to the wall clock. The origin is arbitrary.
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;

  /// The wall clock, for time stamps that people read and dates that servers send. Never for timers.
  [[nodiscard]] virtual WallTime wall_now() const noexcept = 0;

  /// Resolves at or after `when`, on the awaiting coroutine's executor. Cancelling the awaiting
  /// coroutine ends the sleep early, without an exception.
  virtual asio::awaitable<void> sleep_until(TimePoint when) = 0;
};

/// The clock of the machine: `std::chrono::steady_clock` and timers of the awaiting coroutine's `io_context`.
[[nodiscard]] BGXFER_API std::shared_ptr<Clock> make_steady_clock();

}  // namespace bgxfer::inline v0

#endif
