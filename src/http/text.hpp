#ifndef BGXFER_HTTP_TEXT_HPP
#define BGXFER_HTTP_TEXT_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../base/ascii.hpp"

namespace bgxfer::inline v0::http::detail {

using bgxfer::detail::equal_ignoring_case;
using bgxfer::detail::is_alpha;
using bgxfer::detail::is_digit;
using bgxfer::detail::is_token_char;
using bgxfer::detail::to_lower;

/// The value of a hex digit; -1 for anything else.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// A byte that a field value may carry: no control characters but the tab (RFC 9110 section 5.5).
[[nodiscard]] constexpr bool is_value_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}
[[nodiscard]] bool is_value(std::string_view text) noexcept;

[[nodiscard]] std::string lowered(std::string_view text);
/// `text` without spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// Reads digits and nothing else: no sign, no space, no hexadecimal. Empty if the number exceeds 63 bits,
/// so that sums of two of them cannot overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
