#ifndef BGXFER_SRC_ENGINE_ALARM_HPP
#define BGXFER_SRC_ENGINE_ALARM_HPP

#include <functional>
#include <memory>
#include <optional>

#include <asio/cancellation_signal.hpp>

#include <bgxfer/clock.hpp>

namespace bgxfer::inline v0::detail {

/// Calls one function at one time, which may be moved. Used on one strand. While it is not set, nothing sleeps.
class Alarm {
 public:
  /// `ring` is called on `strand`, perhaps a little early: whoever is called looks at the time again.
  Alarm(asio::any_io_executor strand, std::shared_ptr<Clock> clock, std::function<void()> ring);
  ~Alarm();

  /// Rings at `when`; empty: does not ring. Replaces what was set before.
  void set(std::optional<Clock::TimePoint> when);

 private:
  struct Sleep;

  asio::any_io_executor strand_;
  std::shared_ptr<Clock> clock_;
  std::function<void()> ring_;
  std::shared_ptr<Sleep> sleep_;
};

}  // namespace bgxfer::inline v0::detail

#endif
