#include <bgxfer/digest.hpp>

#include "../base/hex.hpp"

namespace bgxfer::inline v0 {

Sha256Stream::~Sha256Stream() = default;

std::optional<Sha256> Sha256::parse(std::string_view hex) noexcept {
  Sha256 value;
  if (hex.size() != 2 * value.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < value.bytes.size(); ++i) {
    const int high = detail::hex_value(hex[2 * i]);
    const int low = detail::hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    value.bytes[i] = static_cast<std::byte>(high * 16 + low);
  }
  return value;
}

std::string Sha256::to_string() const {
  std::string text;
  text.reserve(2 * bytes.size());
  for (std::byte byte : bytes) detail::append_hex(text, static_cast<std::uint8_t>(byte));
  return text;
}

}  // namespace bgxfer::inline v0
