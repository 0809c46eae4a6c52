#include "retry.hpp"

#include <algorithm>

namespace bgxfer::inline v0::detail {

std::optional<std::chrono::milliseconds> retry_delay(const JobOptions& options, const Limits& limits,
                                                     const Failed& failed, std::uint64_t random) {
  using std::chrono::milliseconds;
  const milliseconds floor = std::max(options.retry_delay_min, limits.retry_delay_floor);
  const milliseconds ceiling = std::max(floor, options.retry_delay_max);
  if (floor > options.no_progress_timeout) return std::nullopt;
  // Compared in milliseconds: in nanoseconds a timeout of three centuries overflows.
  if (std::chrono::floor<milliseconds>(failed.without_progress) >= options.no_progress_timeout) return std::nullopt;

  // Doubling from a floor of zero would stay zero, so a floor of zero doubles from one millisecond.
  milliseconds bound = floor;
  for (std::uint32_t i = 1; i < failed.attempts && bound < ceiling; ++i) {
    bound = bound > ceiling / 2 ? ceiling : std::max(milliseconds{1}, bound * 2);
  }
  const std::uint64_t span = static_cast<std::uint64_t>((bound - floor).count()) + 1;
  milliseconds delay = floor + milliseconds{static_cast<milliseconds::rep>(random % span)};

  if (failed.retry_after) delay = std::max(delay, std::min(*failed.retry_after, limits.retry_after_max));
  return delay;
}

}  // namespace bgxfer::inline v0::detail
