#include "text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <bgxfer/error.hpp>

namespace bgx {

namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 if it begins with none (RFC 3629).
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Too long a spelling, a surrogate, or beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return size;
}

/// Parts of names of fields that are about who asks, and what he may.
constexpr std::string_view secret_words[] = {"cookie",     "auth", "token",   "secret", "password",
                                             "credential", "key",  "session", "sign",   "nonce"};

/// Where a URL in the value of a field ends. Not at `,`, `;` and `'`, which may stand in its query and its user.
constexpr std::string_view url_ends = " \t\"<>";

/// A run of a value without any of these, which may be several URLs: without their users, up to the first query.
std::string without_secrets(std::string_view run) {
  const std::size_t query = run.find_first_of("?#");
  std::string_view rest = run.substr(0, query);
  std::string shown;
  for (std::size_t slashes = rest.find("//"); slashes != std::string_view::npos; slashes = rest.find("//")) {
    const std::size_t begin = std::min(rest.find_first_not_of('/', slashes), rest.size());
    shown += rest.substr(0, begin);
    rest.remove_prefix(begin);
    const std::size_t user = rest.substr(0, rest.find('/')).rfind('@');
    if (user != std::string_view::npos) rest.remove_prefix(user + 1);
  }
  if (query == std::string_view::npos) return shown.append(rest);
  // What looks like a query may be the rest of a user, if no path has come.
  const std::string_view behind = run.substr(query);
  const bool no_path = rest.find('/') == std::string_view::npos;
  const bool in_user = no_path && behind.substr(0, behind.find('/')).find('@') != std::string_view::npos;
  if (!in_user) shown += rest;
  return shown.append("?...");
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string time_text(std::chrono::seconds time) {
  const auto seconds = time.count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  if (seconds < 100 * 3600) return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("{} days", seconds / 86400);
}

std::string percent_text(std::uint64_t part, std::optional<std::uint64_t> whole) {
  if (!whole) return "?";
  if (*whole == 0) return "100 %";
  const double share = static_cast<double>(part) / static_cast<double>(*whole);
  return fmt::format("{} %", static_cast<int>(std::min(share, 1.0) * 100));
}

std::string connection_text(const bgxfer::FileConnection& connection) {
  const std::string url = bgxfer::public_url(connection.url);
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string why = connection.relieved ? ", too slow: being relieved"
                          : connection.bytes_received == 0
                              ? ", asked"
                              : fmt::format(" at {}/s", bytes_text(connection.bytes_per_second));
  const std::string left =
      connection.rest.length == bgxfer::ByteRange::to_end ? "all of it" : bytes_text(connection.rest.length);
  return fmt::format("    {}: {} left, from {}{}", printable(url.substr(host, url.find('/', host) - host)), left,
                     bytes_text(connection.rest.offset), why);
}

std::string title_of(const bgxfer::Job& job) {
  const std::string name = job.options().display_name;
  if (!name.empty()) return printable(name);
  const std::vector<bgxfer::File> files = job.files();
  if (files.empty()) return "(no files)";
  const std::string first = printable(files.front().target().filename().string());
  return files.size() == 1 ? first : fmt::format("{} and {} more", first, files.size() - 1);
}

std::string waiting_text(const bgxfer::Job& job) {
  using bgxfer::WaitReason;
  const bgxfer::Waiting waiting = job.waiting();
  std::string text;
  switch (waiting.reason) {
    case WaitReason::none: return {};
    case WaitReason::turn: return "waits for its turn";
    case WaitReason::retry: text = "waits before the next attempt"; break;
    case WaitReason::server: text = "waits because the server asked for it"; break;
    case WaitReason::network: text = "waits for the network"; break;
    case WaitReason::disk_space: text = "waits for disk space"; break;
    case WaitReason::journal: text = "waits because the journal cannot be written"; break;
    case WaitReason::cost: text = "waits for a network that costs less"; break;
  }
  if (text.empty()) text = fmt::format("waits ({})", std::string(to_string(waiting.reason)));
  if (waiting.next_attempt_in) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*waiting.next_attempt_in);
    text += fmt::format(", next in {}", time_text(seconds));
  }
  if (const std::optional<bgxfer::Error> error = job.error()) text += fmt::format(" ({})", printable(error->message()));
  return text;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    valid += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return valid;
}

std::string shown_value(const bgxfer::Header& field) {
  std::string name = field.name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (std::string_view word : secret_words) {
    if (name.find(word) != std::string::npos) return "(not shown)";
  }
  std::string shown;
  std::string_view rest = field.value;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(url_ends), rest.size());
    shown += without_secrets(rest.substr(0, end));
    rest.remove_prefix(end);
    const std::size_t next = std::min(rest.find_first_not_of(url_ends), rest.size());
    shown += rest.substr(0, next);
    rest.remove_prefix(next);
  }
  return printable(shown);
}

std::string printable(std::string_view text) {
  std::string line = valid_utf8(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < 0x20 || byte == 0x7f) line[i] = ' ';
    // U+0080 to U+009F: control characters too, among them one that begins terminal commands.
    if (byte == 0xc2 && i + 1 < line.size() && static_cast<unsigned char>(line[i + 1]) < 0xa0) line.replace(i, 2, "  ");
  }
  return line;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string fit(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  std::size_t used = 0;
  while (end < text.size() && used < columns) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    ++used;
  }
  return std::string(text.substr(0, end)) + std::string(columns - used, ' ');
}

}  // namespace bgx
