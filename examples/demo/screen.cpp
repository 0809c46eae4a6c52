#include "screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <bgxfer/format.hpp>

namespace demo {

namespace {

/// Narrower terminals get plain lines: a bar that wraps cannot be redrawn.
constexpr int columns_min = 79;
constexpr int columns_beside_bar = 69;

Colour colour_of(const Row& row) {
  switch (row.state) {
    case bgxfer::JobState::completed:
    case bgxfer::JobState::transferred: return Colour::green;
    case bgxfer::JobState::error:
    case bgxfer::JobState::cancelled: return Colour::red;
    case bgxfer::JobState::connecting:
    case bgxfer::JobState::transferring: return Colour::cyan;
    default: return Colour::yellow;
  }
}

double share_of(const bgxfer::Progress& progress) {
  const std::uint64_t total = progress.bytes_total.value_or(0);
  return total ? static_cast<double>(progress.bytes_transferred) / static_cast<double>(total) : 0.0;
}

/// What is left of the line: speed and time, or why there are none.
std::string tail_of(const Row& row) {
  if (bgxfer::is_final(row.state)) return "done";
  if (row.waiting.reason == bgxfer::WaitReason::turn) return "waits for its turn";
  if (row.waiting.reason != bgxfer::WaitReason::none) return fmt::format("waits: {}", row.waiting.reason);
  if (row.progress.bytes_per_second == 0) return {};
  std::string text = megabytes(row.progress.bytes_per_second) + "/s";
  if (row.progress.time_left) text += fmt::format(", {} s left", row.progress.time_left->count());
  return text;
}

}  // namespace

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

std::string exactly(std::uint64_t bytes) {
  std::string digits = std::to_string(bytes);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), " ");
  return digits + (bytes == 1 ? " byte" : " bytes");
}

Screen::Screen() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? std::string(value) : std::string();
  };
  winsize size{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && set("TERM") != "dumb") {
    columns_ = size.ws_col >= columns_min ? size.ws_col : 0;
  }
  colours_ = columns_ > 0 && set("NO_COLOR").empty();
  std::string locale = set("LC_ALL");
  if (locale.empty()) locale = set("LC_CTYPE");
  if (locale.empty()) locale = set("LANG");
  graphics_ = locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

std::string Screen::paint(Colour colour, std::string_view text) const {
  static constexpr const char* codes[] = {"0", "2", "1", "31", "32", "33", "36"};
  if (!colours_ || colour == Colour::none) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(colour)], text);
}

void Screen::say(std::string_view line) {
  drawn_ = 0;
  write(fmt::format("{}\n", line));
}

void Screen::act(std::string_view title, std::string_view what) {
  say("");
  say(fmt::format("{} {}", paint(Colour::bold, title), what));
}

void Screen::draw(const std::vector<Row>& rows) {
  if (!terminal()) return plain(rows);
  // One write for the whole frame, which ends below the bars: whoever is killed now leaves a tidy screen behind.
  std::string frame;
  if (drawn_ > 0) frame += fmt::format("\x1b[{}A", drawn_);
  for (const Row& row : rows) frame += "\r" + line(row) + "\x1b[K\n";
  drawn_ = rows.size();
  write(frame);
}

std::string Screen::bar(double share, Colour colour) const {
  const int width = std::clamp(columns_ - columns_beside_bar, 10, 44);
  const int filled = static_cast<int>(std::floor(share * width));
  std::string done;
  std::string left;
  for (int i = 0; i < width; ++i) {
    if (i < filled) {
      done += graphics_ ? "━" : "#";
    } else {
      left += graphics_ ? (colours_ ? "━" : "╌") : ".";
    }
  }
  return paint(colour, done) + paint(Colour::dim, left);
}

std::string Screen::line(const Row& row) const {
  const Colour colour = colour_of(row);
  const double share = share_of(row.progress);
  const std::uint64_t total = row.progress.bytes_total.value_or(0);
  const std::string amount = fmt::format("{}/{} MiB", row.progress.bytes_transferred >> 20, total >> 20);
  return fmt::format("  {:<12} {} {} {:>3}%  {:>11}  {}", row.name,
                     paint(colour, fmt::format("{:<12}", bgxfer::to_string(row.state))), bar(share, colour),
                     static_cast<int>(share * 100), amount, tail_of(row));
}

/// Without a terminal: a line whenever a job is in another state or another fifth of it has arrived.
void Screen::plain(const std::vector<Row>& rows) {
  said_.resize(std::max(said_.size(), rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const int fifth = static_cast<int>(share_of(row.progress) * 5);
    const std::string key = fmt::format("{} {} {}", row.name, row.state, fifth);
    if (row.state == bgxfer::JobState::connecting || std::exchange(said_[i], key) == key) continue;
    write(fmt::format("  {:<12} {:<12} {:>3}%  {}\n", row.name, bgxfer::to_string(row.state),
                      static_cast<int>(share_of(row.progress) * 100), tail_of(row)));
  }
}

void Screen::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace demo
