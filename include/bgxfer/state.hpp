#ifndef BGXFER_STATE_HPP
#define BGXFER_STATE_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// The life of a job. Names and numbers are those of BITS, but for ACKNOWLEDGED, which is called `completed`.
/// Values are part of the journal format: append, never renumber.
enum class JobState : std::uint8_t {
  queued = 0,           ///< Ready; waits for the scheduler.
  connecting = 1,       ///< Opens the connection for a file.
  transferring = 2,     ///< Moves bytes.
  suspended = 3,        ///< Where every job starts. Not scheduled until it is resumed.
  error = 4,            ///< Waits for the host: resume, complete or cancel.
  transient_error = 5,  ///< Will go on by itself; `Waiting` says why it waits and for how long.
  transferred = 6,      ///< Every byte is on disk under a temporary name; waits for complete.
  completed = 7,        ///< Final. Files stand under their own names.
  cancelled = 8,        ///< Final. Temporary files are gone.
};

/// How urgent a job is. Names and numbers are those of BITS: the smallest is the most urgent.
enum class Priority : std::uint8_t { foreground = 0, high = 1, normal = 2, low = 3 };

/// Which way a job moves bytes.
enum class JobType : std::uint8_t { download = 0 };

/// Why a job that wants to run does not.
enum class WaitReason : std::uint8_t {
  none = 0,        ///< It runs, or does not want to.
  turn = 1,        ///< Other jobs are ahead of it.
  retry = 2,       ///< The delay after a failed attempt.
  server = 3,      ///< The server asked to come back later.
  network = 4,     ///< The host said that there is no network.
  disk_space = 5,  ///< The disk is full; tested again from time to time.
  journal = 6,     ///< The journal cannot be written; tried again from time to time.
  cost = 7,        ///< The network's cost is not one that the job's transfer policy allows.
};

/// Why a job waits, and when it tries again by itself.
struct Waiting {
  WaitReason reason = WaitReason::none;
  /// Time until the next attempt; empty where an event ends the wait, not time.
  std::optional<std::chrono::milliseconds> next_attempt_in{};

  friend bool operator==(const Waiting&, const Waiting&) = default;
};

/// How far a job or a file is.
struct Progress {
  std::uint64_t bytes_transferred = 0;
  std::optional<std::uint64_t> bytes_total{};  ///< Empty until every file's size is known.
  std::uint32_t files_transferred = 0;
  std::uint32_t files_total = 0;
  std::uint64_t bytes_per_second = 0;  ///< Smoothed over some seconds; 0 while nothing moves.
  /// Time to the end at this speed; empty while the size or the speed is unknown.
  std::optional<std::chrono::seconds> time_left{};

  friend bool operator==(const Progress&, const Progress&) = default;
};

/// When things happened to a job, by the wall clock (BITS `BG_JOB_TIMES`).
struct JobTimes {
  std::chrono::system_clock::time_point created{};
  std::chrono::system_clock::time_point modified{};                    ///< The last command or change of state.
  std::optional<std::chrono::system_clock::time_point> transferred{};  ///< Empty until the job is transferred.

  friend bool operator==(const JobTimes&, const JobTimes&) = default;
};

/// A final state never changes; the job is gone from the queue.
constexpr bool is_final(JobState state) noexcept {
  return state == JobState::completed || state == JobState::cancelled;
}

/// An active job runs or wants to: it is not the host that has to act next.
constexpr bool is_active(JobState state) noexcept {
  return state == JobState::queued || state == JobState::connecting || state == JobState::transferring ||
         state == JobState::transient_error;
}

/// True while bytes may be moving.
constexpr bool is_running(JobState state) noexcept {
  return state == JobState::connecting || state == JobState::transferring;
}

/// The names of the enumerators, as in `transient_error`.
[[nodiscard]] BGXFER_API std::string_view to_string(JobState state) noexcept;
[[nodiscard]] BGXFER_API std::string_view to_string(Priority priority) noexcept;
[[nodiscard]] BGXFER_API std::string_view to_string(WaitReason reason) noexcept;
/// The enumerator of that name; empty if there is none.
[[nodiscard]] BGXFER_API std::optional<Priority> parse_priority(std::string_view name) noexcept;

}  // namespace bgxfer::inline v0

#endif
