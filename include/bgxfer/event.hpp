#ifndef BGXFER_EVENT_HPP
#define BGXFER_EVENT_HPP

#include <variant>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/state.hpp>

namespace bgxfer::inline v0 {

/// A job was added.
struct JobAdded {
  JobId job{};
};

/// A job went from one state to another. Never dropped.
struct StateChanged {
  JobId job{};
  JobState from{};
  JobState to{};
};

/// Bytes arrived. Coalesced: a slow reader sees the latest figures only.
struct ProgressMade {
  JobId job{};
  Progress progress{};
};

/// A file has all its bytes, under its temporary name. Never dropped.
struct FileTransferred {
  JobId job{};
  FileIndex file{};
};

/// A transfer failed and will be tried again. Never dropped.
struct AttemptFailed {
  JobId job{};
  Error error;
  Waiting waiting{};
};

/// Every file of the job is on disk. Delivered at least once, across restarts, until a callback has returned
/// (spec part 6.3).
struct JobTransferred {
  JobId job{};
};

/// The job failed for good and waits for the host. Delivered at least once, like `JobTransferred`.
struct JobFailed {
  JobId job{};
  Error error;
};

/// Bytes that were asked for on demand are on disk. Only for handlers (`Notify::ranges_transferred`), and never owed:
/// ranges may be merged, and need not be those that were asked for.
struct FileRangesTransferred {
  JobId job{};
  FileIndex file{};
  std::vector<ByteRange> ranges{};
};

/// Something about the job changed: a property, its state or its progress; not its way to `transferred` or `error`,
/// which have events of their own. Only for handlers (`Notify::modification`): coalesced, at most one in
/// `NotifyOptions::interval_min`, and never owed.
struct JobModified {
  JobId job{};
};

/// Everything a queue can tell its host. A host that does not know an alternative ignores it: more may come.
using Event = std::variant<JobAdded, StateChanged, ProgressMade, FileTransferred, AttemptFailed, JobTransferred,
                           JobFailed, JobModified, FileRangesTransferred>;

/// The job that an event is about.
[[nodiscard]] inline JobId job_of(const Event& event) {
  return std::visit([](const auto& happened) { return happened.job; }, event);
}

}  // namespace bgxfer::inline v0

#endif
