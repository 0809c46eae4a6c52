#ifndef BGXFER_SRC_BASE_HEX_HPP
#define BGXFER_SRC_BASE_HEX_HPP

#include <cstdint>
#include <string>

namespace bgxfer::inline v0::detail {

/// The value of a hex digit of either case, or -1.
constexpr int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// Appends the two lower-case hex digits of `byte`.
inline void append_hex(std::string& text, std::uint8_t byte) {
  constexpr char digits[] = "0123456789abcdef";
  text += digits[byte >> 4];
  text += digits[byte & 15];
}

}  // namespace bgxfer::inline v0::detail

#endif
