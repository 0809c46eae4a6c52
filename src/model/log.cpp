#include <bgxfer/log.hpp>

#include <array>
#include <cstddef>

namespace bgxfer::inline v0 {

namespace {

struct LogRow {
  LogEvent event;
  LogLevel level;
  std::string_view name;
};

constexpr LogRow log_rows[] = {
    {LogEvent::queue_restored, LogLevel::info, "queue.restored"},
    {LogEvent::queue_network, LogLevel::info, "queue.network"},
    {LogEvent::queue_cost, LogLevel::info, "queue.cost"},
    {LogEvent::queue_closed, LogLevel::info, "queue.closed"},
    {LogEvent::journal_refused, LogLevel::error, "journal.refused"},
    {LogEvent::journal_damaged, LogLevel::error, "journal.damaged"},
    {LogEvent::journal_failed, LogLevel::error, "journal.failed"},
    {LogEvent::journal_recovered, LogLevel::info, "journal.recovered"},
    {LogEvent::journal_rewritten, LogLevel::debug, "journal.rewritten"},
    {LogEvent::journal_incomplete, LogLevel::error, "journal.incomplete"},
    {LogEvent::job_added, LogLevel::info, "job.added"},
    {LogEvent::job_state, LogLevel::debug, "job.state"},
    {LogEvent::job_attempt_failed, LogLevel::warning, "job.attempt_failed"},
    {LogEvent::job_failed, LogLevel::error, "job.failed"},
    {LogEvent::job_transferred, LogLevel::info, "job.transferred"},
    {LogEvent::job_completed, LogLevel::info, "job.completed"},
    {LogEvent::job_cancelled, LogLevel::info, "job.cancelled"},
    {LogEvent::job_inactive, LogLevel::warning, "job.inactive"},
    {LogEvent::job_commit_failed, LogLevel::error, "job.commit_failed"},
    {LogEvent::secrets_not_kept, LogLevel::warning, "secrets.not_kept"},
    {LogEvent::secrets_not_restored, LogLevel::warning, "secrets.not_restored"},
    {LogEvent::file_finished, LogLevel::debug, "file.finished"},
    {LogEvent::file_restarted, LogLevel::warning, "file.restarted"},
    {LogEvent::file_bytes_lost, LogLevel::warning, "file.bytes_lost"},
    {LogEvent::file_left_behind, LogLevel::warning, "file.left_behind"},
    {LogEvent::file_piece_wrong, LogLevel::warning, "file.piece_wrong"},
    {LogEvent::file_share_dropped, LogLevel::warning, "file.share_dropped"},
};
constexpr std::size_t event_count = std::size(log_rows);

constexpr std::array<LogEvent, event_count> all_events = [] {
  std::array<LogEvent, event_count> all{};
  for (std::size_t i = 0; i < event_count; ++i) all[i] = log_rows[i].event;
  return all;
}();

/// An event's number is its place in the table.
static_assert([] {
  for (std::size_t i = 0; i < event_count; ++i) {
    if (static_cast<std::size_t>(log_rows[i].event) != i) return false;
  }
  return true;
}());

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warning", "error"};

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  const auto i = static_cast<std::size_t>(level);
  return i < level_names.size() ? level_names[i] : "unknown";
}

std::string_view to_string(LogEvent event) noexcept {
  const auto i = static_cast<std::size_t>(event);
  return i < event_count ? log_rows[i].name : "unknown";
}

LogLevel level_of(LogEvent event) noexcept {
  const auto i = static_cast<std::size_t>(event);
  return i < event_count ? log_rows[i].level : LogLevel::error;
}

std::span<const LogEvent> log_events() noexcept { return all_events; }

std::string to_line(const LogEntry& entry) {
  std::string line(to_string(entry.level));
  line += ' ';
  line += to_string(entry.event);
  if (entry.job) line += " job=" + entry.job->to_string();
  if (entry.file) line += " file=" + std::to_string(static_cast<std::uint32_t>(*entry.file));
  if (!entry.text.empty()) line += " " + entry.text;
  return line;
}

}  // namespace bgxfer::inline v0
