#include "alarm.hpp"

#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace bgxfer::inline v0::detail {

struct Alarm::Sleep {
  asio::cancellation_signal signal;
  Clock::TimePoint when;
};

namespace {

asio::awaitable<void> sleep_on(std::shared_ptr<Clock> clock, Clock::TimePoint when) {
  co_await clock->sleep_until(when);
}

}  // namespace

Alarm::Alarm(asio::any_io_executor strand, std::shared_ptr<Clock> clock, std::function<void()> ring)
    : strand_(std::move(strand)), clock_(std::move(clock)), ring_(std::move(ring)) {}

Alarm::~Alarm() = default;

void Alarm::set(std::optional<Clock::TimePoint> when) {
  if (sleep_ && when && sleep_->when == *when) return;
  if (std::shared_ptr<Sleep> old = std::exchange(sleep_, nullptr)) old->signal.emit(asio::cancellation_type::terminal);
  if (!when) return;

  auto sleep = std::make_shared<Sleep>();
  sleep->when = *when;
  sleep_ = sleep;
  auto ended = [this, sleep](std::exception_ptr) {
    // Only the sleep that is still the current one may touch the alarm: an older one may have outlived it.
    if (sleep.use_count() > 1 && sleep_ == sleep) {
      sleep_.reset();
      ring_();
    }
  };
  asio::co_spawn(strand_, sleep_on(clock_, *when), asio::bind_cancellation_slot(sleep->signal.slot(), std::move(ended)));
}

}  // namespace bgxfer::inline v0::detail
