#ifndef BGXFER_SRC_MODEL_JOB_RECORD_HPP
#define BGXFER_SRC_MODEL_JOB_RECORD_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <bgxfer/error.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/range_set.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0::detail {

inline constexpr std::uint64_t size_unknown = ByteRange::to_end;

/// How far one file is.
enum class FileStage : std::uint8_t {
  waiting = 0,    ///< Nothing of it is on disk.
  started = 1,    ///< A temporary file exists; `FileFacts::arrived` says what is in it.
  finished = 2,   ///< All bytes are in the temporary file, verified.
  committed = 3,  ///< Stands under its final name.
};

/// What is known of a file beyond its names. Most files of a large queue are waiting and have none.
struct FileFacts {
  // Given by the host.
  std::vector<ByteRange> ranges;
  std::vector<std::uint64_t> placed_at;  ///< Where each range goes; empty: one behind the other.
  std::optional<Sha256> sha256;
  std::vector<std::string> mirrors;
  PieceHashes pieces;
  // Learned from the server; proves that the resource is still the same.
  std::uint64_t resource_size = size_unknown;
  std::string validator;
  std::uint32_t source = 0;  ///< Whose `validator` it is: 0 the URL's, else that of a mirror, counted from 1.
  std::optional<std::chrono::system_clock::time_point> modified;
  std::string reported;  ///< Where redirects led to, or would have, if the job wants to be told.
  // Learned from the disk.
  FileIdentity identity;
  FileAclFlags preserved = FileAclFlags::none;  ///< What the finished file took over from its source.
  bool validated = false;                       ///< The host has said that the finished file is right.
  std::uint8_t syncs = 0;                       ///< Under way. Each may take the unsynced bytes if it fails.
  RangeSet arrived;                             ///< Bytes in the temporary file, by their place in it.
  RangeSet unsynced;                            ///< Of these, the ones that a power cut may take.

  /// Whether the host gave anything of it.
  [[nodiscard]] bool given() const { return !ranges.empty() || sha256 || !mirrors.empty() || !pieces.sha256.empty(); }
};

/// One file of a job. Small, because a queue may hold a million.
struct FileRecord {
  std::string url;
  std::string target;
  std::uint64_t size = size_unknown;  ///< Of the finished file.
  std::uint32_t generation = 0;       ///< Counts restarts from zero: progress of an older one is void.
  FileStage stage = FileStage::waiting;
  bool size_given = false;           ///< `size` is the host's word: a file of another size is refused.
  std::unique_ptr<FileFacts> facts;  ///< Empty while there is nothing to know.

  FileFacts& known() {
    if (!facts) facts = std::make_unique<FileFacts>();
    return *facts;
  }
  /// The size that the host demands. Kept in `size`, which no server can change then: a million queued files have no
  /// facts.
  [[nodiscard]] std::optional<std::uint64_t> expected_size() const {
    return size_given ? std::optional(size) : std::nullopt;
  }
  /// The parts of the file that are fetched, where its size is known: all of it, or what lies between the holes.
  [[nodiscard]] std::vector<ByteRange> parts() const;
  /// How many bytes these are; `size_unknown` if its size is not known.
  [[nodiscard]] std::uint64_t wanted() const;
  /// Bytes of this file that have arrived.
  [[nodiscard]] std::uint64_t bytes() const {
    if (stage >= FileStage::finished) return wanted();
    return facts ? facts->arrived.bytes() : 0;
  }
};

/// Sums over the files of a job, kept while the files change so that no question has to count them.
struct JobTotals {
  std::uint64_t bytes_transferred = 0;
  std::uint64_t bytes_known = 0;    ///< Sum of the known sizes.
  std::uint32_t sizes_unknown = 0;  ///< Files of unknown size.
  std::uint32_t files_finished = 0;

  friend bool operator==(const JobTotals&, const JobTotals&) = default;
};

/// What the journal must remember of a job: the job as plain data.
struct JobRecord {
  JobId id;
  JobOptions options;             ///< Without files: they are below.
  bool headers_withheld = false;  ///< The job had request headers, which the journal does not keep.
  JobState state = JobState::suspended;
  std::vector<FileRecord> files;
  JobTimes times;
  std::optional<Error> error;
  std::uint32_t error_count = 0;  ///< Failures since the job was added; never reset (spec part 2.5).
  bool committing = false;        ///< `complete` was called and is being carried out.
  bool approved = false;          ///< The host's guard has let its files have their names.
  /// A file that was finished when `complete` was called has lost bytes since: the commit ends in an error. Not in the
  /// journal, which has what it follows from.
  bool commit_void = false;
  bool owes_transferred = false;  ///< The event still has to be delivered.
  bool owes_failed = false;
  JobTotals totals;
  Owner owner;
  bool resumed = false;  ///< Has been resumed at least once.
  /// Time in `connecting` and `transferring` since the last resume, as far as it was noted.
  std::chrono::milliseconds active_time{0};
  RangeSet owed_files;  ///< Indexes of finished files whose `FileTransferred` still has to be handled.
};

/// The temporary name of a file: unguessable, because the job's id is random, and found again without being stored.
[[nodiscard]] std::string temporary_name(const JobId& job, FileIndex file);

/// Where a file is assembled and where it goes.
[[nodiscard]] FilePlace place_of(const JobRecord& job, FileIndex file);

/// The first file that was begun and is not whole: of a transferred job one that has lost bytes since. Files that were
/// added since have not begun.
[[nodiscard]] std::optional<FileIndex> unfinished_file(const JobRecord& job);

/// What `complete` ends with for a job whose commit is void.
[[nodiscard]] Error lost_in_commit(const JobRecord& job);

/// Whether the job works on behalf of somebody who is not known: the journal does not keep who (spec part 3.14).
[[nodiscard]] bool lacks_identity(const JobRecord& job);

/// The totals counted afresh: what `JobRecord::totals` must always equal.
[[nodiscard]] JobTotals count_totals(const JobRecord& job);

/// Progress without speed, from the totals.
[[nodiscard]] Progress progress_of(const JobRecord& job);

}  // namespace bgxfer::inline v0::detail

#endif
