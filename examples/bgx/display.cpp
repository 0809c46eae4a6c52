#include "display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "plain_lines.hpp"
#include "text.hpp"

namespace bgx {

namespace {

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

Size terminal_size() {
  winsize found{};
  Size size;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0) return size;
  size.columns = found.ws_col;
  if (found.ws_row > 0) size.rows = found.ws_row;
  return size;
}

void write_terminal(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Display::Display()
    : colours_(std::getenv("NO_COLOR") == nullptr || std::string_view(std::getenv("NO_COLOR")).empty()) {}

bool Display::possible() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

void Display::follow(const bgxfer::Job& job) { flights_.emplace_back(job); }

void Display::tick() {
  const Size size = terminal_size();
  std::string frame = erasure(size.columns);
  // The last column stays free: a full line would wrap on some terminals.
  const std::size_t columns = std::max<std::size_t>(size.columns, 2) - 1;
  drawn_.clear();
  for (const std::string& line : picture(columns, size.rows)) {
    if (!drawn_.empty()) frame += "\n";
    frame += line;
    drawn_.push_back(columns);
  }
  write_terminal(frame);
}

void Display::finished(const std::vector<bgxfer::Job>& jobs) {
  std::string text = erasure(terminal_size().columns);
  drawn_.clear();
  for (const bgxfer::Job& job : jobs) text += outcome_text(job) + "\n";
  write_terminal(text);
}

std::vector<std::string> Display::picture(std::size_t columns, std::size_t rows) {
  const std::size_t lines_max = std::max<std::size_t>(rows, 2) - 1;
  std::vector<std::string> lines;
  std::size_t queued = 0;
  for (Flight& flight : flights_) {
    const bgxfer::Job& job = flight.job();
    const bgxfer::JobState state = job.state();
    if (state == bgxfer::JobState::queued) ++queued;
    if (!is_active(state) || state == bgxfer::JobState::queued || lines.size() >= lines_max) continue;
    const std::string waiting = waiting_text(job);
    const std::string figures = waiting.empty() ? progress_text(job.progress()) : waiting;
    lines.push_back(fit(fmt::format("{}: {}, {}", title_of(job), std::string(to_string(state)), figures), columns));
    if (!is_running(state)) continue;
    for (const Flight::Moving& moving : flight.moving()) {
      if (lines.size() < lines_max) lines.push_back(file_line(moving, columns));
      for (const bgxfer::FileConnection& one : moving.file.connections()) {
        if (lines.size() < lines_max) lines.push_back(fit(connection_text(one), columns));
      }
    }
  }
  if (queued > 0 && lines.size() < lines_max) {
    lines.push_back(fit(fmt::format("{} job{} for a turn", queued, queued == 1 ? " waits" : "s wait"), columns));
  }
  return lines;
}

std::string Display::file_line(const Flight::Moving& moving, std::size_t columns) const {
  const bgxfer::FileProgress& progress = moving.progress;
  const std::string name = printable(moving.file.target().filename().string());
  const std::string figures =
      fmt::format(" {:>5} {:>10}", percent_text(progress.bytes_transferred, progress.bytes_total),
                  bytes_text(progress.bytes_transferred));
  const std::size_t around = columns_of(figures) + 2;  // The figures and two spaces before the name.
  if (columns < around + 12) return fit(fmt::format("  {}{}", fit(name, columns / 2), figures), columns);

  const std::size_t room = columns - around;
  const std::size_t name_columns = std::min<std::size_t>(std::max<std::size_t>(room / 3, 6), 40);
  double share = 0;
  if (progress.bytes_total && *progress.bytes_total > 0) {
    share = static_cast<double>(progress.bytes_transferred) / static_cast<double>(*progress.bytes_total);
  }
  return fmt::format("  {}{}{}", fit(name, name_columns), bar(share, room - name_columns), figures);
}

std::string Display::bar(double share, std::size_t columns) const {
  const std::size_t inner = columns - 3;  // A space and two brackets.
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(inner));
  const std::string done(full, '#');
  const std::string open(inner - full, '-');
  if (!colours_) return fmt::format(" [{}{}]", done, open);
  return fmt::format(" [\x1b[32m{}\x1b[0m{}]", done, open);
}

std::string Display::erasure(std::size_t columns) const {
  if (drawn_.empty()) return {};
  // A terminal that became narrower has wrapped the lines that stood there.
  std::size_t rows = 0;
  for (const std::size_t width : drawn_)
    rows += std::max<std::size_t>(1, (width + columns - 1) / std::max<std::size_t>(columns, 1));
  std::string commands = "\r";
  if (rows > 1) commands += fmt::format("\x1b[{}A", rows - 1);
  return commands + "\x1b[J";
}

}  // namespace bgx
