#ifndef BGXFER_LEGACY_GROUP_HPP
#define BGXFER_LEGACY_GROUP_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/job.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/transfer_queue.hpp>

/// The interface of BITS 1.0 (qmgr.h, spec part 12) as a view of jobs, for programs that were written for it. New
/// programs use `TransferQueue` and `Job`.
///
/// A group is a job of the queue; what the old interface knows beyond that stands in the job's `JobOptions::tag`, so
/// groups survive a restart with their jobs. Where the old interface says E_NOTIMPL, the error is
/// `std::errc::not_supported`; for its invalid state and item not found, `Errc::invalid_state` and `Errc::not_found`.
namespace bgxfer::inline v0::legacy {

/// Names a group or its job; chosen by the caller.
using Guid = JobId;

/// The properties of a group (GROUPPROP). Numbers are those of BITS.
enum class GroupProperty : std::uint32_t {
  priority = 0,        ///< Number; only 1 is allowed.
  remote_user_id = 1,  ///< Never supported, like all others without a remark.
  remote_user_password = 2,
  local_user_id = 3,
  local_user_password = 4,
  protocol_flags = 5,   ///< Number; only 1, HTTP.
  notify_flags = 6,     ///< Number: `notify_group_done` and `notify_disabled`.
  notify_class_id = 7,  ///< Text of at most 64 bytes, kept for the host.
  progress_size = 8,
  progress_percent = 9,
  progress_time = 10,
  display_name = 11,  ///< Text, at most `Limits::display_name_bytes_max`.
  description = 12,   ///< Text, at most `Limits::description_bytes_max`.
};

using PropertyValue = std::variant<std::uint32_t, std::string>;

inline constexpr std::uint32_t notify_group_done = 0x04;
inline constexpr std::uint32_t notify_disabled = 0x40;

/// Bits of `Group::status`.
inline constexpr std::uint32_t group_complete = 0x040;
inline constexpr std::uint32_t group_incomplete = 0x080;
inline constexpr std::uint32_t group_suspended = 0x100;  ///< Also of a group that is new, failed or finished.
inline constexpr std::uint32_t group_error = 0x200;
inline constexpr std::uint32_t group_foreground = 0x400;

/// Bits of `GroupJobStatus::bits`.
inline constexpr std::uint32_t job_complete = 0x04;
inline constexpr std::uint32_t job_incomplete = 0x08;
inline constexpr std::uint32_t job_error = 0x10;

/// What `progress` is asked for. Numbers are those of BITS.
enum class ProgressKind : std::uint32_t { percent_done = 1, time_done = 2, bytes_done = 3 };

/// One file to fetch (FILESETINFO).
struct FileSetInfo {
  std::string remote_name{};
  std::filesystem::path local_name{};
  std::uint32_t size_hint = 0;  ///< Not looked at.

  friend bool operator==(const FileSetInfo&, const FileSetInfo&) = default;
};

struct GroupJobStatus {
  std::uint32_t bits = 0;
  std::uint32_t system_error = 0;     ///< BITS's code of the last error, if it is not an HTTP status; else 0.
  std::uint32_t transport_error = 0;  ///< The HTTP status of the last error; else 0.
  std::uint32_t retries = 0;
};

/// What a group tells when it is done or has failed (IBackgroundCopyCallback1).
struct GroupStatus {
  Guid group{};
  Guid job{};
  std::optional<std::uint32_t> file{};  ///< The file to blame.
  std::uint32_t bits = 0;
  GroupJobStatus job_status{};
};

/// Hears of groups. Called through the queue's dispatcher.
class BGXFER_API GroupObserver {
 public:
  virtual ~GroupObserver();
  /// False: not handled. The status is owed, and told again as the queue's callbacks are (`TransferQueue::on_event`).
  virtual bool on_status(const GroupStatus& status) = 0;
};

/// The one job of a group. As cheap to copy and as safe to share as `Job`.
class BGXFER_API GroupJob {
 public:
  [[nodiscard]] Guid id() const;
  [[nodiscard]] GroupJobStatus status() const;
  [[nodiscard]] Result<std::uint32_t> progress(ProgressKind kind) const;
  [[nodiscard]] std::size_t file_count() const;
  /// The names of a file by its place; `Errc::not_found` outside.
  [[nodiscard]] Result<FileSetInfo> file(std::size_t index) const;

  CommandResult add_files(std::vector<FileSetInfo> files);
  CommandResult switch_to_foreground();
  /// Ends the job and its group. Files that had all their bytes get their names.
  CommandResult cancel();

 private:
  friend class Group;
  GroupJob(Job job, Guid id) : job_(std::move(job)), id_(id) {}

  Job job_;
  Guid id_;
};

/// A group (IBackgroundCopyGroup). As cheap to copy and as safe to share as `Job`.
class BGXFER_API Group {
 public:
  [[nodiscard]] Guid id() const;
  [[nodiscard]] Result<PropertyValue> property(GroupProperty which) const;
  CommandResult set_property(GroupProperty which, PropertyValue value);

  /// Percent of the bytes, or bytes. Time: not supported.
  [[nodiscard]] Result<std::uint32_t> progress(ProgressKind kind) const;
  [[nodiscard]] std::uint32_t status() const;
  /// Bytes of all files; 0 while unknown, and where 32 bits do not hold them.
  [[nodiscard]] std::uint32_t size() const;

  /// Makes the one job of the group, which the caller names. Not supported a second time; `Errc::invalid_state` while
  /// the group runs.
  Result<GroupJob> create_job(Guid id);
  [[nodiscard]] Result<GroupJob> find_job(Guid id) const;
  /// The ids of its jobs: none or one.
  [[nodiscard]] std::vector<Guid> jobs() const;

  CommandResult suspend();
  CommandResult resume();
  /// Ends the group. Files that had all their bytes get their names, unlike those of a job that is cancelled.
  CommandResult cancel();
  CommandResult switch_to_foreground();
  /// The job behind the group, with everything that jobs can do since (QueryNewJobInterface).
  [[nodiscard]] Job modern_job() const;

  /// Tells `observer` when the group is done, if its notify flags say so, and of every error, until the subscription
  /// ends (SetNotificationPointer).
  [[nodiscard]] Subscription set_observer(std::shared_ptr<GroupObserver> observer);

 private:
  friend class QueueManager;
  explicit Group(Job job) : job_(std::move(job)) {}

  Job job_;
};

/// The groups of a queue (IBackgroundCopyQMgr). The queue must outlive it.
class BGXFER_API QueueManager {
 public:
  explicit QueueManager(TransferQueue& queue) : queue_(queue) {}

  /// A new group, suspended and empty. `Errc::invalid_argument` if there is one of that id.
  Result<Group> create_group(Guid id);
  [[nodiscard]] Result<Group> find_group(Guid id) const;
  [[nodiscard]] std::vector<Guid> groups() const;

 private:
  TransferQueue& queue_;
};

}  // namespace bgxfer::inline v0::legacy

#endif
