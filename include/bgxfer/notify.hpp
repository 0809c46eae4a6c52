#ifndef BGXFER_NOTIFY_HPP
#define BGXFER_NOTIFY_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include <bgxfer/event.hpp>

namespace bgxfer::inline v0 {

class Job;

/// Which notifications a job's handler gets. Bits are those of BITS (spec part 3.3).
enum class Notify : std::uint32_t {
  none = 0,
  transferred = 0x01,         ///< `JobTransferred`.
  error = 0x02,               ///< `JobFailed`.
  disable = 0x04,             ///< None at all, whatever else is set. What is owed stays owed.
  modification = 0x08,        ///< `JobModified`: many, coalesced, and never owed.
  file_transferred = 0x10,    ///< `FileTransferred`.
  ranges_transferred = 0x20,  ///< `FileRangesTransferred`: for jobs with `DownloadOptions::on_demand`; never owed.
};

[[nodiscard]] constexpr Notify operator|(Notify a, Notify b) noexcept {
  return static_cast<Notify>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(Notify set, Notify bit) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(bit)) != 0;
}
inline constexpr Notify all_notifications = static_cast<Notify>(0x3f);

/// A program to run when a job is transferred or has failed (spec part 3.4). It is run as it is: no shell, no search
/// path, no expansion.
struct NotifyCommand {
  std::string program{};                 ///< Absolute path. Empty: no program is run.
  std::vector<std::string> arguments{};  ///< Without the program's own name, which it gets as its first.

  friend bool operator==(const NotifyCommand&, const NotifyCommand&) = default;
};

/// What a job tells, and to whom (spec parts 3.3 and 6).
struct NotifyOptions {
  Notify events = Notify::transferred | Notify::error;
  /// Between two modification (or ranges) notifications of the job passes at least this time.
  std::chrono::milliseconds interval_min{500};
  /// A name in `QueueOptions::notify_handlers`: the handler that is used where the job has no live one, also after a
  /// restart; at most 256 bytes. Empty: none. A name that is not registered may be: what is owed waits for it.
  std::string handler{};
  /// Run if there is no handler, or if it did not handle the notification. Needs `QueueOptions::run_command`.
  NotifyCommand command{};

  friend bool operator==(const NotifyOptions&, const NotifyOptions&) = default;
};

/// What a handler made of a notification. An exception counts as `retry`.
enum class NotifyResult : std::uint8_t {
  handled,  ///< It is not told again.
  retry,    ///< Tell it again after the job's `retry_delay_min`. Without meaning for `JobModified`.
};

/// Takes a job's notifications (spec part 6): `JobTransferred`, `JobFailed`, `FileTransferred`, `FileRangesTransferred`
/// and `JobModified`, as far as `NotifyOptions::events` asks for them.
///
/// Called through the queue's dispatcher, with no lock held: for one job never two at a time and in order, files before
/// the job; for different jobs up to `Limits::notifications_max` at a time. The first three are delivered at least
/// once, across restarts, until one of them was `handled`. It may call anything, `Job::complete` first of all. Files
/// get their names after that call has returned, and may fail to: a handler that completes answers `retry`, which comes
/// back only if they did.
using NotifyHandler = std::function<NotifyResult(const Job& job, const Event& event)>;

/// Runs a program and calls `done` once it has ended, with its exit code (0: the notification is handled), or with why
/// it could not be run. `done` may be called from any thread, once. A ready one: `bgxfer/process/command_runner.hpp`.
using CommandRunner = std::function<void(const NotifyCommand& command, const Event& event,
                                         std::function<void(std::error_code, int exit_code)> done)>;

}  // namespace bgxfer::inline v0

#endif
