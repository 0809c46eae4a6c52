#include <bgxfer/testing/manual_clock.hpp>

#include <cassert>

#include "virtual_time.hpp"

namespace bgxfer::inline v0::testing {

ManualClock::ManualClock() : time_(std::make_shared<detail::VirtualTime>()) {}

ManualClock::~ManualClock() { time_->drop(); }

Clock::TimePoint ManualClock::now() const noexcept { return time_->now(); }

Clock::WallTime ManualClock::wall_now() const noexcept { return time_->wall_now(); }

asio::awaitable<void> ManualClock::sleep_until(TimePoint when) { return time_->sleep_until(when); }

void ManualClock::advance(Duration by) {
  assert(by >= Duration::zero());
  time_->move_to(time_->now() + by);
}

void ManualClock::shift_wall(Duration by) noexcept { time_->shift_wall(by); }

std::size_t ManualClock::sleepers() const { return time_->sleepers(); }

}  // namespace bgxfer::inline v0::testing
