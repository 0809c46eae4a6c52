#include "target.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "arguments.hpp"
#include "text.hpp"

namespace bgx {

namespace {

/// Room for the suffix of the temporary name within the 255 bytes of a file name.
constexpr std::size_t name_bytes_max = 180;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::string decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::optional<unsigned> high = hex_digit(text[i + 1]);
      const std::optional<unsigned> low = hex_digit(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high << 4 | *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

/// Names that mean a device on Windows, whatever follows the first dot.
bool is_device_name(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  for (char& c : stem) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (std::string_view device : {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}) {
    if (stem == device) return true;
  }
  return stem.size() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")) && stem[3] >= '0' && stem[3] <= '9';
}

}  // namespace

std::string name_of(std::string_view url) {
  std::string_view path = url.substr(0, url.find_first_of("?#"));
  if (const std::size_t scheme = path.find("://"); scheme != std::string_view::npos) {
    const std::size_t root = path.find('/', scheme + 3);
    path = root == std::string_view::npos ? std::string_view{} : path.substr(root);
  }
  path = path.substr(path.rfind('/') + 1);

  std::string name = valid_utf8(decode_percent(path));
  for (char& c : name) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control || std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos) c = '_';
  }
  if (name.size() > name_bytes_max) {
    std::size_t cut = name_bytes_max;
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xc0) == 0x80) --cut;  // Not within a character.
    name.resize(cut);
  }
  while (!name.empty() && (name.back() == '.' || name.back() == ' ')) name.pop_back();
  if (is_device_name(name)) name.insert(name.begin(), '_');
  if (!name.empty() && name.front() == '.') name.front() = '_';  // A download does not hide.
  return name.empty() ? std::string("download") : name;
}

std::filesystem::path absolute_target(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

void check_target(const std::filesystem::path& target) {
  std::error_code ignored;
  if (target.filename().empty() || std::filesystem::is_directory(target, ignored)) {
    throw UsageError(fmt::format("{} is a folder; name a file in it", target.string()));
  }
  const std::filesystem::path folder = target.parent_path();
  if (!std::filesystem::exists(folder, ignored)) {
    throw UsageError(
        fmt::format("the folder {} does not exist; make it first: mkdir -p {}", folder.string(), folder.string()));
  }
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw UsageError(fmt::format("{} is not a folder; choose another target", folder.string()));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw UsageError(
        fmt::format("the folder {} cannot be written; choose another one or change its permissions", folder.string()));
  }
}

}  // namespace bgx
