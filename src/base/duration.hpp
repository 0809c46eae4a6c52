#ifndef BGXFER_SRC_BASE_DURATION_HPP
#define BGXFER_SRC_BASE_DURATION_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bgxfer::inline v0::detail {

/// 139 years: a longer time, such as `milliseconds::max()`, is taken as this one. In nanoseconds and behind any time of
/// a clock it still is a number.
inline constexpr std::chrono::milliseconds duration_max{std::int64_t{1} << 42};

[[nodiscard]] constexpr std::chrono::milliseconds at_most_duration_max(std::chrono::milliseconds time) noexcept {
  return std::min(time, duration_max);
}

}  // namespace bgxfer::inline v0::detail

#endif
