#include "bell.hpp"

#include <utility>

#include <asio/async_result.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace bgxfer::inline v0::http::detail {

/// Starts the wait under the wire's lock, so that a ring comes either before it or after it, never in between.
class Bell::StartWaiting {
 public:
  explicit StartWaiting(Bell& bell, TimePoint deadline) noexcept : bell_(&bell), deadline_(deadline) {}

  template <class Handler>
  void operator()(Handler&& handler) {
    const std::lock_guard lock(bell_->wire_->mutex);
    bell_->timer_.expires_at(bell_->wire_->rung ? TimePoint::min() : deadline_);
    bell_->timer_.async_wait(std::forward<Handler>(handler));
  }

 private:
  Bell* bell_;
  TimePoint deadline_;
};

void Bell::Button::ring() const noexcept {
  const std::lock_guard lock(wire_->mutex);
  wire_->rung = true;
  if (wire_->timer) wire_->timer->cancel();
}

Bell::Bell(const asio::any_io_executor& executor) : timer_(executor), wire_(std::make_shared<Wire>()) {
  wire_->timer = &timer_;
}

Bell::~Bell() {
  const std::lock_guard lock(wire_->mutex);
  wire_->timer = nullptr;
}

asio::awaitable<void> Bell::heard_by(TimePoint deadline) {
  // A cancellation that came while nothing was pending left no trace but this.
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  std::error_code woken_early;
  auto token = asio::redirect_error(asio::use_awaitable, woken_early);
  StartWaiting start(*this, deadline);
  co_await asio::async_initiate<decltype(token), void(std::error_code)>(start, token);
  const std::lock_guard lock(wire_->mutex);
  wire_->rung = false;
}

}  // namespace bgxfer::inline v0::http::detail
