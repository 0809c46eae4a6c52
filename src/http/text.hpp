#ifndef BGXFER_HTTP_TEXT_HPP
#define BGXFER_HTTP_TEXT_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bgxfer::inline v0::http::detail {

// ASCII only: what a byte means in HTTP never depends on the locale of the process.

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The value of a hex digit; -1 for anything else.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// A character of a token: method names, field names (RFC 9110 section 5.6.2).
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
  return is_alpha(c) || is_digit(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// A byte that a field value may carry: no control characters but the tab (RFC 9110 section 5.5).
[[nodiscard]] constexpr bool is_value_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}
[[nodiscard]] bool is_value(std::string_view text) noexcept;

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string lowered(std::string_view text);
/// `text` without spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// Reads digits and nothing else: no sign, no space, no hexadecimal. Empty if the number exceeds 63 bits,
/// so that sums of two of them cannot overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
