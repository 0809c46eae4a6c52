#include <bgxfer/clock.hpp>

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace bgxfer::inline v0 {

Clock::~Clock() = default;

namespace {

class SteadyClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint{std::chrono::steady_clock::now().time_since_epoch()}; }

  WallTime wall_now() const noexcept override { return std::chrono::system_clock::now(); }

  asio::awaitable<void> sleep_until(TimePoint when) override {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, std::chrono::steady_clock::time_point{when.time_since_epoch()});
    std::error_code woken_early;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken_early));
  }
};

}  // namespace

std::shared_ptr<Clock> make_steady_clock() { return std::make_shared<SteadyClock>(); }

}  // namespace bgxfer::inline v0
