#ifndef BGXFER_SRC_MODEL_CHANGE_HPP
#define BGXFER_SRC_MODEL_CHANGE_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "job_record.hpp"

namespace bgxfer::inline v0::detail {

using WallTime = std::chrono::system_clock::time_point;

/// A change of what must survive. The engine applies each to the model and appends the same value to the journal;
/// opening a journal applies them again. So there is one place where a record changes, and replay cannot differ.

struct JobCreated {
  JobId job;
  JobOptions options;             ///< Without files.
  bool headers_withheld = false;  ///< Set when read back: there were headers, and they were not stored.
  WallTime at{};
  Owner owner{};
};

struct JobConfigured {
  JobId job;
  JobOptions options;  ///< Without files.
  bool headers_withheld = false;
  WallTime at{};
  std::optional<Owner> owner{};  ///< Set: the job has a new owner.
};

struct FilesAdded {
  JobId job;
  std::vector<FileSpec> files;  ///< Appended to the job's files, in this order.
  WallTime at{};
};

struct JobMoved {
  JobId job;
  JobState to{};
  std::optional<Error> error;     ///< Replaces the job's error. Empty: the job's error is cleared.
  std::uint32_t error_count = 0;  ///< The job's error count from here on.
  WallTime at{};
  bool resumed = false;  ///< The job has been resumed before, whatever its state now.
  std::chrono::milliseconds active_time{0};
};

/// The temporary file exists, and the server has said what the resource is.
struct FileStarted {
  JobId job;
  FileIndex file{};
  std::uint32_t generation = 0;
  FileIdentity identity;
  std::uint64_t size = size_unknown;  ///< Of the finished file.
  std::uint64_t resource_size = size_unknown;
  std::string validator;
  std::optional<WallTime> modified;
  std::uint32_t source = 0;  ///< Whose the validator is: 0 the URL's, else a mirror's, counted from 1.
  std::string reported{};    ///< Where redirects led to, if the job wants to be told.
};

/// Bytes are in the temporary file. Ignored if the generation is not the file's.
struct FileProgressed {
  JobId job;
  FileIndex file{};
  std::uint32_t generation = 0;
  bool durable = false;  ///< They were synced before this was written.
  std::vector<ByteRange> ranges;
};

/// The file starts again from nothing under a new generation; all older progress is void.
struct FileRestarted {
  JobId job;
  FileIndex file{};
  std::uint32_t generation = 0;
};

/// All bytes are in the temporary file, and verified. Says everything that a commit needs, so that a small file
/// needs no other record.
struct FileFinished {
  JobId job;
  FileIndex file{};
  std::uint32_t generation = 0;
  FileIdentity identity;
  std::uint64_t size = 0;
  std::optional<WallTime> modified;
  bool committed = false;                       ///< It stands under its final name already.
  FileAclFlags preserved = FileAclFlags::none;  ///< What it took over from its source.
};

/// The temporary files of these are about to be synced. A sync that fails takes bytes that nobody can tell from good
/// ones afterwards; so a run that ends before it has said how this one ended leaves nothing of these files but what was
/// durable before.
struct SyncBegun {
  JobId job;
  std::vector<ByteRange> files;  ///< Runs of file indexes.
};

/// That has ended. What it has taken was said before.
struct SyncEnded {
  JobId job;
  std::vector<ByteRange> files;  ///< Runs of file indexes.
};

/// Finished files of the job are durable.
struct FilesSynced {
  JobId job;
  std::vector<ByteRange> files;  ///< Runs of file indexes.
};

/// The host found a finished file to be right.
struct FileValidated {
  JobId job;
  FileIndex file{};
};

/// Files are fetched from elsewhere. What has arrived of an unfinished one stays, under a new generation and without
/// what had vouched for it: nothing of the old URL proves that the new one has the same.
struct UrlChanged {
  JobId job;
  FileIndex file{};    ///< The one, if `prefix` is empty.
  std::string prefix;  ///< Else every file whose URL begins so.
  std::string url;     ///< What stands in place of its URL, or of the prefix.
  WallTime at{};
};

/// A file's URL led elsewhere, and the job wants to be told (`RedirectMode::report` and `refuse`).
struct Redirected {
  JobId job;
  FileIndex file{};
  std::string reported;  ///< Empty: it does not any more.
};

/// `complete` was accepted: finished files take their names, whatever happens from here on.
struct CommitStarted {
  JobId job;
  WallTime at{};
  bool approved = false;  ///< The host's guard has nothing against it.
};

/// A rename failed. The first `committed` of the job's files that were finished until now have their names.
struct CommitFailed {
  JobId job;
  std::uint32_t committed = 0;
  std::optional<Error> error;
  WallTime at{};
};

/// An owed event was handled: that of the job, or those of these files.
struct NoticeDelivered {
  JobId job;
  std::vector<ByteRange> files{};  ///< Runs of file indexes. Empty: what the job itself owes.
};

/// The events of these finished files are owed; of no file, if there are none here. Written by snapshots only:
/// otherwise `FileFinished` says so, if the job wants these events.
struct FilesOwed {
  JobId job;
  std::vector<ByteRange> files;  ///< Runs of file indexes.
};

/// The job reached a final state and leaves the queue.
struct JobRemoved {
  JobId job;
};

using Change = std::variant<JobCreated, JobConfigured, FilesAdded, JobMoved, FileStarted, FileProgressed, FileRestarted,
                            FileFinished, FilesSynced, CommitStarted, CommitFailed, NoticeDelivered, JobRemoved,
                            FilesOwed, FileValidated, UrlChanged, Redirected, SyncBegun, SyncEnded>;

/// The job that a change is about.
[[nodiscard]] JobId job_of(const Change& change);

/// Carries `change` out on the record of its job. Not for `JobCreated` and `JobRemoved`, which make and end the
/// record. A change that names a file that the record does not have is ignored: a journal is untrusted input.
void apply(JobRecord& record, const Change& change);

/// Notes bytes of a started file as arrived: what `FileProgressed` does, without building one for each chunk.
void add_arrived(JobRecord& record, FileRecord& file, ByteRange range);

/// The record that a `JobCreated` makes.
[[nodiscard]] JobRecord make_record(const JobCreated& created);

/// The changes that make this record out of nothing: what compaction writes. Calls `write` for each, in order.
void describe(const JobRecord& record, const std::function<void(const Change&)>& write);

/// Forgets the bytes that were not synced, because the machine went down since they were written, or more was said of
/// them than can be read. Returns how many bytes of arrived data that are.
std::uint64_t forget_unsynced(JobRecord& record);

/// The same of the files that were being synced.
std::uint64_t forget_unsettled(JobRecord& record);

/// Whether the commit under way cannot go on (`JobRecord::commit_void`). None of the files has its name yet: that waits
/// until the journal has all of them as synced.
[[nodiscard]] bool is_void_commit(const JobRecord& record);
/// What ends it, with the error that the loss left.
[[nodiscard]] CommitFailed end_of_void_commit(const JobRecord& record);

/// Forgets all bytes of the files that do not have their own names yet, because it is no longer certain that they
/// arrived. Returns the files and how many bytes of arrived data that are.
std::vector<std::pair<FileIndex, std::uint64_t>> forget_arrived(JobRecord& record);

}  // namespace bgxfer::inline v0::detail

#endif
