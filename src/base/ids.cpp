#include <bgxfer/ids.hpp>

#include "hex.hpp"

namespace bgxfer::inline v0 {

namespace {

constexpr bool dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

JobId JobId::from_random(std::uint64_t high, std::uint64_t low) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant 10
  return JobId(bytes);
}

std::optional<JobId> JobId::parse(std::string_view text) noexcept {
  constexpr std::size_t length = 36;
  if (text.size() != length) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = detail::hex_value(text[at++]);
    const int low = detail::hex_value(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return JobId(bytes);
}

std::string JobId::to_string() const {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (dash_before(i)) text += '-';
    detail::append_hex(text, bytes_[i]);
  }
  return text;
}

}  // namespace bgxfer::inline v0
