#ifndef BGXFER_LOG_HPP
#define BGXFER_LOG_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <bgxfer/config.hpp>
#include <bgxfer/ids.hpp>

namespace bgxfer::inline v0 {

/// How much a person should care.
enum class LogLevel : std::uint8_t {
  debug,    ///< Every step: states of jobs, finished files.
  info,     ///< What a reader of the log wants to know of a queue that works.
  warning,  ///< Something failed, and the queue goes on by itself.
  error,    ///< Something failed that somebody has to look at.
};

/// What is logged. `to_string` gives the names, which are stable, as `file.restarted`; docs/observability.md says what
/// each one means.
enum class LogEvent : std::uint8_t {
  queue_restored,
  queue_network,
  queue_cost,
  queue_closed,
  journal_refused,
  journal_damaged,
  journal_failed,
  journal_recovered,
  journal_rewritten,
  journal_incomplete,
  job_added,
  job_state,
  job_attempt_failed,
  job_failed,
  job_transferred,
  job_completed,
  job_cancelled,
  job_inactive,
  job_commit_failed,
  secrets_not_kept,
  secrets_not_restored,
  file_finished,
  file_restarted,
  file_bytes_lost,
  file_left_behind,
  file_piece_wrong,
  file_share_dropped,
};

/// One thing that happened.
struct LogEntry {
  LogEvent event{};
  LogLevel level{};                 ///< Always `level_of(event)`.
  std::optional<JobId> job{};       ///< Where it is about one.
  std::optional<FileIndex> file{};  ///< Where it is about one.
  /// For people: one line without control characters, and without secrets: no header, credential or URL query.
  std::string text{};
};

/// The names, as `warning` and `file.restarted`.
[[nodiscard]] BGXFER_API std::string_view to_string(LogLevel level) noexcept;
[[nodiscard]] BGXFER_API std::string_view to_string(LogEvent event) noexcept;
/// Every event belongs to one level.
[[nodiscard]] BGXFER_API LogLevel level_of(LogEvent event) noexcept;
/// All events there are, in the order of their numbers.
[[nodiscard]] BGXFER_API std::span<const LogEvent> log_events() noexcept;

/// `warning file.restarted job={...} file=3 http://...`: what most hosts want to write, without a time and without a
/// newline.
[[nodiscard]] BGXFER_API std::string to_line(const LogEntry& entry);

}  // namespace bgxfer::inline v0

#endif
