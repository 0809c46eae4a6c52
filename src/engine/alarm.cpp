#include "alarm.hpp"

#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/detached.hpp>

#include "spawn.hpp"

namespace bgxfer::inline v0::detail {

struct Alarm::Sleep {
  asio::cancellation_signal signal;
  Clock::TimePoint when;
  bool given_up = false;  // before it could begin, perhaps

  static asio::awaitable<void> run(std::shared_ptr<Sleep> self, std::shared_ptr<Clock> clock) {
    if (!self->given_up) co_await clock->sleep_until(self->when);
  }
};

Alarm::Alarm(asio::any_io_executor strand, std::shared_ptr<Clock> clock, std::function<void()> ring)
    : strand_(std::move(strand)), clock_(std::move(clock)), ring_(std::move(ring)) {}

Alarm::~Alarm() {
  if (sleep_) sleep_->given_up = true;
}

void Alarm::set(std::optional<Clock::TimePoint> when) {
  if (sleep_ && when && sleep_->when == *when) return;
  if (std::shared_ptr<Sleep> old = std::exchange(sleep_, nullptr)) {
    old->given_up = true;
    old->signal.emit(asio::cancellation_type::terminal);
  }
  if (!when) return;

  auto sleep = std::make_shared<Sleep>();
  sleep->when = *when;
  sleep_ = sleep;
  auto ended = [this, sleep](std::exception_ptr) {
    // A sleep that was given up may have outlived the alarm.
    if (sleep->given_up) return;
    sleep_.reset();
    ring_();
  };
  spawn(strand_, Sleep::run(sleep, clock_), asio::bind_cancellation_slot(sleep->signal.slot(), std::move(ended)));
}

}  // namespace bgxfer::inline v0::detail
