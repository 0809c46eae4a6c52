#include "log.hpp"

#include <utility>

namespace bgxfer::inline v0::detail {

LogEntry make_entry(LogEvent event, std::string text, std::optional<JobId> job, std::optional<FileIndex> file) {
  // Names and reasons come from hosts and servers: none of them writes a line of its own into somebody's log.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return LogEntry{event, level_of(event), job, file, std::move(text)};
}

void Log::say(LogEntry entry) const noexcept {
  if (!wants(entry.event)) return;
  try {
    (*write_)(entry);
  } catch (...) {
  }
}

void Log::say(LogEvent event, std::string text, std::optional<JobId> job,
              std::optional<FileIndex> file) const noexcept {
  if (wants(event)) say(make_entry(event, std::move(text), job, file));
}

}  // namespace bgxfer::inline v0::detail
