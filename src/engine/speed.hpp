#ifndef BGXFER_SRC_ENGINE_SPEED_HPP
#define BGXFER_SRC_ENGINE_SPEED_HPP

#include <cmath>
#include <cstdint>

#include <bgxfer/clock.hpp>

namespace bgxfer::inline v0::detail {

/// Bytes per second, smoothed so that a display does not flicker: an exponential average over some seconds.
class Speed {
 public:
  void add(std::uint64_t bytes, Clock::TimePoint now) {
    if (!started_) {
      started_ = true;
      window_began_ = now;
    }
    window_bytes_ += bytes;
    const double window = seconds(now - window_began_);
    if (window < window_min_seconds) return;

    const double rate = static_cast<double>(window_bytes_) / window;
    const double weight = measured_ ? 1.0 - std::exp(-window / memory_seconds) : 1.0;
    rate_ += weight * (rate - rate_);
    measured_ = true;
    window_bytes_ = 0;
    window_began_ = now;
  }

  void reset() { *this = Speed(); }

  /// 0 until the first window is full, and again when nothing has come for a while.
  [[nodiscard]] std::uint64_t bytes_per_second(Clock::TimePoint now) const {
    if (!measured_ || seconds(now - window_began_) > silence_seconds) return 0;
    return static_cast<std::uint64_t>(rate_);
  }

 private:
  static constexpr double window_min_seconds = 0.2;
  static constexpr double memory_seconds = 3.0;
  static constexpr double silence_seconds = 5.0;

  static double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

  bool started_ = false;
  bool measured_ = false;
  double rate_ = 0;
  std::uint64_t window_bytes_ = 0;
  Clock::TimePoint window_began_{};
};

}  // namespace bgxfer::inline v0::detail

#endif
