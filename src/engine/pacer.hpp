#ifndef BGXFER_SRC_ENGINE_PACER_HPP
#define BGXFER_SRC_ENGINE_PACER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <bgxfer/clock.hpp>

namespace bgxfer::inline v0::detail {

/// Turns a limit in bytes per second into delays: each byte pays its time, and a reader waits until the bytes
/// before its own are paid. Pure: time arrives as an argument. Guarded by the model's lock.
class Pacer {
 public:
  /// 0: no limit.
  explicit Pacer(std::uint64_t bytes_per_second = 0) : rate_(bytes_per_second) {}

  void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }

  /// How large a chunk may be so that one chunk does not use up more than a tenth of a second.
  [[nodiscard]] std::size_t chunk(std::size_t wanted) const {
    if (rate_ == 0) return wanted;
    return std::clamp<std::uint64_t>(rate_ / 10, std::min<std::uint64_t>(wanted, chunk_min), wanted);
  }

  /// Until when a reader has to wait before it reads on, `bytes` of which it has just read.
  [[nodiscard]] Clock::TimePoint pay(std::size_t bytes, Clock::TimePoint now) {
    if (rate_ == 0) return now;
    const auto cost = std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate_));
    paid_until_ = std::max(paid_until_, now) + std::chrono::duration_cast<Clock::Duration>(cost);
    return paid_until_;
  }

 private:
  static constexpr std::size_t chunk_min = 4096;

  std::uint64_t rate_;
  Clock::TimePoint paid_until_{};
};

}  // namespace bgxfer::inline v0::detail

#endif
