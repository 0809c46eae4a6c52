#ifndef BGXFER_HTTP_RETRY_AFTER_HPP
#define BGXFER_HTTP_RETRY_AFTER_HPP

#include <chrono>
#include <optional>

#include "head.hpp"

namespace bgxfer::inline v0::http::detail {

inline constexpr std::chrono::seconds retry_after_min{1};
inline constexpr std::chrono::seconds retry_after_max{24 * 60 * 60};

/// When the server asks to be left alone, and until when: Retry-After in seconds or as a date (RFC 9110
/// section 10.2.3), else a rate limit of which nothing remains (RateLimit-Remaining: 0 and its relatives). Dates are
/// measured against the response's own Date, since clocks differ; against `now` only if it has none. Clamped to
/// `retry_after_min` ... `retry_after_max`.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after_of(const Head& head,
                                                                 std::chrono::system_clock::time_point now);

}  // namespace bgxfer::inline v0::http::detail

#endif
