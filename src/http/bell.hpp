#ifndef BGXFER_HTTP_BELL_HPP
#define BGXFER_HTTP_BELL_HPP

#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

namespace bgxfer::inline v0::http::detail {

/// Lets one coroutine sleep until another thread, a callback or a point in time wakes it.
///
/// Lives in the frame of the coroutine that sleeps: then a destroyed `io_context` takes both along, and nobody is left
/// holding a handler. Whoever rings holds a `Button`, which outlives the bell harmlessly. Only for what waits for real
/// sockets and real threads: its time is not that of `Clock`.
class Bell {
  struct Wire;

 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Rings the bell it was taken from, from any thread, if that still exists. A completion handler too.
  class Button {
   public:
    void ring() const noexcept;
    void operator()(std::error_code) const noexcept { ring(); }

   private:
    friend class Bell;
    explicit Button(std::shared_ptr<Wire> wire) noexcept : wire_(std::move(wire)) {}
    std::shared_ptr<Wire> wire_;
  };

  explicit Bell(const asio::any_io_executor& executor);
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  [[nodiscard]] Button button() const noexcept { return Button(wire_); }

  /// Resolves at the next ring, at once if it has rung since the last time, at `deadline`, or when the coroutine is
  /// cancelled; the caller looks which it was. One waiter at a time.
  asio::awaitable<void> heard_by(TimePoint deadline);

 private:
  class StartWaiting;

  struct Wire {
    std::mutex mutex;
    asio::steady_timer* timer = nullptr;  // Empty once the bell is gone.
    bool rung = false;
  };

  asio::steady_timer timer_;
  std::shared_ptr<Wire> wire_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
