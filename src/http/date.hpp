#ifndef BGXFER_HTTP_DATE_HPP
#define BGXFER_HTTP_DATE_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace bgxfer::inline v0::http::detail {

using Date = std::chrono::sys_seconds;

/// Reads an HTTP-date: the fixed format of today and the two that RFC 9110 section 5.6.7 still asks recipients to read.
/// A two-digit year means the one within fifty years of now; the caller need not say what now is, 1970 to 2069 will do.
/// Empty if it is anything else, no day of the calendar, or beyond what the system's clock can express (1677 to 2262).
[[nodiscard]] std::optional<Date> parse_date(std::string_view text) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
