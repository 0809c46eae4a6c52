#include "retry_after.hpp"

#include <algorithm>

#include "date.hpp"
#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// A larger number of seconds is taken for a time since 1970, as X-RateLimit-Reset often is.
constexpr std::uint64_t epoch_seconds_min = 1'000'000'000;

std::chrono::seconds clamped(std::chrono::seconds delay) noexcept {
  return std::clamp(delay, retry_after_min, retry_after_max);
}

Date date_of(const Head& head, std::chrono::system_clock::time_point now) {
  if (const std::optional<std::string_view> text = head.field("date")) {
    if (const std::optional<Date> date = parse_date(*text)) return *date;
  }
  return std::chrono::floor<std::chrono::seconds>(now);
}

std::chrono::seconds seconds_from(std::uint64_t number) noexcept {
  return std::chrono::seconds(std::min<std::uint64_t>(number, static_cast<std::uint64_t>(retry_after_max.count())));
}

/// The number behind `name=` in "limit=10, remaining=0, reset=5".
std::optional<std::uint64_t> member_of(const Head& head, std::string_view field, std::string_view name) {
  for (const std::string& member : head.list(field)) {
    const std::string_view text = member;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || trimmed(text.substr(0, equals)) != name) continue;
    return parse_number(trimmed(text.substr(equals + 1)));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_of(const Head& head, std::string_view field) {
  const std::optional<std::string_view> text = head.field(field);
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<std::uint64_t> exhausted_limit_reset(const Head& head) {
  if (member_of(head, "ratelimit", "remaining") == 0u) return member_of(head, "ratelimit", "reset");
  if (number_of(head, "ratelimit-remaining") == 0u) return number_of(head, "ratelimit-reset");
  if (number_of(head, "x-ratelimit-remaining") == 0u) return number_of(head, "x-ratelimit-reset");
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::seconds> retry_after_of(const Head& head, std::chrono::system_clock::time_point now) {
  if (const std::optional<std::string_view> text = head.field("retry-after")) {
    if (const std::optional<std::uint64_t> seconds = parse_number(*text)) return clamped(seconds_from(*seconds));
    if (const std::optional<Date> date = parse_date(*text)) return clamped(*date - date_of(head, now));
  }
  const std::optional<std::uint64_t> reset = exhausted_limit_reset(head);
  if (!reset) return std::nullopt;
  if (*reset < epoch_seconds_min) return clamped(seconds_from(*reset));
  const auto since_epoch = static_cast<std::uint64_t>(date_of(head, now).time_since_epoch().count());
  return clamped(*reset > since_epoch ? seconds_from(*reset - since_epoch) : std::chrono::seconds{0});
}

}  // namespace bgxfer::inline v0::http::detail
