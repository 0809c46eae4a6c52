#ifndef BGXFER_SRC_MODEL_RETRY_HPP
#define BGXFER_SRC_MODEL_RETRY_HPP

#include <chrono>
#include <cstdint>
#include <optional>

#include <bgxfer/options.hpp>

namespace bgxfer::inline v0::detail {

/// What is known when an attempt has failed.
struct Failed {
  std::uint32_t attempts = 1;                    ///< Failures in a row without progress, this one included.
  std::chrono::nanoseconds without_progress{0};  ///< Since the last byte of progress, or since the first failure.
  std::optional<std::chrono::milliseconds> retry_after{};  ///< The server's wish.
};

/// How long to wait before the next attempt, or nothing if the no-progress budget is spent.
///
/// Full jitter: a uniformly random time between `retry_delay_min` and a bound that doubles with each failure from
/// `retry_delay_min` up to `retry_delay_max`. A server's wish is a lower bound, cut to `retry_after_max`. If the
/// minimum alone exceeds the budget there is no retry (spec part 2.5). `random` is any 64 random bits.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_delay(const JobOptions& options, const Limits& limits,
                                                                   const Failed& failed, std::uint64_t random);

}  // namespace bgxfer::inline v0::detail

#endif
