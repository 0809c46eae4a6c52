#include "file_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace bgxfer::inline v0::detail {

namespace {

/// One character, so that it is searched for as one: a queue of a million files has a hundred million of them.
constexpr char path_separator = '/';

// Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept {
  const auto byte_at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t lead = byte_at(i);
    std::size_t more = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (text.size() - i <= more) return false;
    if (byte_at(i + 1) < low || byte_at(i + 1) > high) return false;
    for (std::size_t k = 2; k <= more; ++k) {
      if ((byte_at(i + k) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

bool same_ignoring_case(std::string_view a, std::string_view upper) noexcept {
  return std::equal(a.begin(), a.end(), upper.begin(), upper.end(),
                    [](char c, char u) { return (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) == u; });
}

// Windows finds the device whatever extension follows ("nul.txt"), and ignores spaces before it ("nul .txt").
bool is_windows_device(std::string_view name) noexcept {
  std::string_view stem = name.substr(0, name.find('.'));
  while (!stem.empty() && stem.back() == ' ') stem.remove_suffix(1);
  static constexpr std::array<std::string_view, 6> devices{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
  for (std::string_view device : devices) {
    if (same_ignoring_case(stem, device)) return true;
  }
  if (stem.size() < 4) return false;
  const std::string_view port = stem.substr(0, 3);
  if (!same_ignoring_case(port, "COM") && !same_ignoring_case(port, "LPT")) return false;
  const std::string_view digit = stem.substr(3);
  // The superscripts one, two and three count as digits there.
  return (digit.size() == 1 && digit[0] >= '0' && digit[0] <= '9') || digit == "\xc2\xb9" || digit == "\xc2\xb2" ||
         digit == "\xc2\xb3";
}

Error unlawful_target(const std::filesystem::path& target) {
  return Error(Errc::unsafe_target, ErrorContext::local_file, target.string());
}

}  // namespace

bool is_lawful_file_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > file_name_bytes_max) return false;
  bool ascii = true;
  for (char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    if (c == '/' || c == '\\' || c == ':') return false;
    ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  }
  // Covers "." and ".." as well.
  if (name.back() == '.' || name.back() == ' ') return false;
  return (ascii || is_utf8(name)) && !is_windows_device(name);
}

Result<void> check_target_text(const std::filesystem::path& target) {
  // By hand: a queue of a million files asks several times for each, and `path` makes a string of every component.
  const std::string& text = target.native();
  if (text.find('\0') != std::string::npos) return unlawful_target(target);
  if (!target.is_absolute()) return Error(Errc::relative_target, ErrorContext::local_file, text);
  std::string_view rest = text;
  for (;;) {
    const std::size_t end = rest.find(path_separator);
    const std::string_view part = rest.substr(0, end);
    if (part == "." || part == "..") return unlawful_target(target);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (!is_lawful_file_name(rest)) return unlawful_target(target);
  return {};
}

Result<void> check_place_text(const std::filesystem::path& target, const std::string& temporary_name) {
  Result<void> checked = check_target_text(target);
  if (!checked) return checked;
  const std::string& text = target.native();
  const std::string_view name = std::string_view(text).substr(text.rfind(path_separator) + 1);
  if (!is_lawful_file_name(temporary_name) || temporary_name == name) return unlawful_target(target);
  return {};
}

}  // namespace bgxfer::inline v0::detail
