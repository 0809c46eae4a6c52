#include "validator.hpp"

#include <algorithm>

#include "date.hpp"
#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Younger dates may stand for several versions made within one second (RFC 9110 section 8.8.2.2).
constexpr std::chrono::seconds strong_date_age_min{60};

bool is_strong_tag(std::string_view tag) noexcept {
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
  const std::string_view inner = tag.substr(1, tag.size() - 2);
  return std::none_of(inner.begin(), inner.end(), [](char c) { return c == '"' || c == ' ' || c == '\t'; });
}

}  // namespace

std::string validator_of(const Head& head) {
  if (const std::optional<std::string_view> tag = head.field("etag"); tag && is_strong_tag(*tag)) {
    return std::string(*tag);
  }
  const std::optional<std::string_view> modified_text = head.field("last-modified");
  const std::optional<std::string_view> date_text = head.field("date");
  if (!modified_text || !date_text) return {};
  const std::optional<Date> modified = parse_date(*modified_text);
  const std::optional<Date> date = parse_date(*date_text);
  if (!modified || !date || *date - *modified < strong_date_age_min) return {};
  return std::string(*modified_text);
}

}  // namespace bgxfer::inline v0::http::detail
