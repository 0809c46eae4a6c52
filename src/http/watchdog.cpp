#include "watchdog.hpp"

#include <algorithm>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::http::detail {

Watchdog::Watchdog(const asio::any_io_executor& executor, std::shared_ptr<Clock> clock, Clock::Duration tick,
                   ByteStream& stream)
    : state_(std::make_shared<State>()), clock_(std::move(clock)) {
  state_->stream = &stream;
  companion_ = Companion(executor, watch(state_, clock_, tick, executor));
}

Watchdog::~Watchdog() {
  const std::lock_guard lock(state_->mutex);
  state_->stream = nullptr;
}

asio::awaitable<void> Watchdog::watch(std::shared_ptr<State> state, std::shared_ptr<Clock> clock, Clock::Duration tick,
                                      asio::any_io_executor executor) {
  for (;;) {
    const Clock::TimePoint now = clock->now();
    Clock::TimePoint deadline = state->deadline;
    // Unless it is lifted in this very moment.
    if (now >= deadline && state->deadline.compare_exchange_strong(deadline, over)) break;
    if (now >= deadline) continue;
    co_await clock->sleep_until(std::min(deadline, now + tick));
    const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
  }
  // On the executor of the stream's user, as `ByteStream::close` asks for; this coroutine has a strand of its own.
  asio::post(executor, [state] {
    const std::lock_guard lock(state->mutex);
    if (state->stream && !BGXFER_MUTANT(29)) state->stream->close();
  });
}

}  // namespace bgxfer::inline v0::http::detail
