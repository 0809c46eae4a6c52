#include "file_url.hpp"

#include <algorithm>
#include <optional>

namespace bgxfer::inline v0::file::detail {

namespace {

constexpr std::string_view scheme = "file://";

Error bad_file_url(std::string_view url, std::string_view why) {
  std::string shown = public_url(url);
  // Whatever somebody pasted: the text goes to people and logs.
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  if (shown.size() > segment_bytes_max) shown = shown.substr(0, segment_bytes_max) + "...";
  return Error(Errc::invalid_url, ErrorContext::queue, shown + ": " + std::string(why));
}

bool same_text_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char c, char l) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) == l;
  });
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// RFC 3986: pchar, without the percent sign.
bool may_stand_in_path(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

// Why a segment cannot be a file name; empty if it can. Appends it, decoded.
std::string_view decode_segment(std::string_view segment, std::string& into) {
  const std::size_t begin = into.size();
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      if (!may_stand_in_path(segment[i])) return "a character has to be percent-encoded";
      into += segment[i];
      continue;
    }
    const std::optional<unsigned> high = i + 1 < segment.size() ? hex_value(segment[i + 1]) : std::nullopt;
    const std::optional<unsigned> low = i + 2 < segment.size() ? hex_value(segment[i + 2]) : std::nullopt;
    if (!high || !low) return "a percent sign needs two hexadecimal digits after it";
    const char byte = static_cast<char>(*high << 4 | *low);
    if (byte == '/') return "a file name cannot have a slash";
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) return "control characters are not allowed";
    into += byte;
    i += 2;
  }
  const std::string_view name = std::string_view(into).substr(begin);
  if (name == "." || name == "..") return "write the path without \".\" and \"..\"";
  if (name.size() > segment_bytes_max) return "a file name is longer than 255 bytes";
  return {};
}

}  // namespace

Result<std::string> path_of_url(std::string_view url) {
  if (url.size() < scheme.size() || !same_text_ignoring_case(url.substr(0, scheme.size()), scheme)) {
    return bad_file_url(url, "a file is named as file:///path");
  }
  if (url.find_first_of("?#") != std::string_view::npos) {
    return bad_file_url(url, "a file has no query and no fragment; encode ? as %3F and # as %23");
  }
  std::string_view rest = url.substr(scheme.size());
  const std::size_t root = rest.find('/');
  const std::string_view host = rest.substr(0, root);
  if (!host.empty() && !same_text_ignoring_case(host, "localhost")) {
    return bad_file_url(url, "the host must be empty or localhost; mount the share and name its path, file:///path");
  }
  rest = root == std::string_view::npos ? std::string_view() : rest.substr(root);
  if (rest.empty() || rest.back() == '/') return bad_file_url(url, "it names no file");

  std::string path;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    if (segment.empty()) continue;  // As the system reads it: //a is /a.
    path += '/';
    const std::string_view wrong = decode_segment(segment, path);
    if (!wrong.empty()) return bad_file_url(url, wrong);
    if (path.size() > path_bytes_max) return bad_file_url(url, "the path is longer than 4095 bytes");
  }
  return path;
}

}  // namespace bgxfer::inline v0::file::detail
