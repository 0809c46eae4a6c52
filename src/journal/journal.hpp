#ifndef BGXFER_SRC_JOURNAL_JOURNAL_HPP
#define BGXFER_SRC_JOURNAL_JOURNAL_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <bgxfer/restore_report.hpp>
#include <bgxfer/storage.hpp>

#include "../model/change.hpp"
#include "frame.hpp"
#include "lasting_bytes.hpp"

namespace bgxfer::inline v0::detail {

struct Replayed;

/// What a journal is told about the world.
struct JournalSetup {
  std::string epoch;                      ///< `Storage::epoch()` of this run.
  std::function<std::uint64_t()> random;  ///< 64 random bits per call; only called by `begin_rewrite`.
  std::size_t bytes_before_compaction = 1024 * 1024;
};

/// What a journal held.
struct Restored {
  Restored() = default;

  std::vector<JobRecord> jobs{};  ///< In the order in which they were created.
  RestoreReport report{};
  /// Nothing may be appended before a rewrite: the log is new, torn, damaged, or mostly garbage.
  bool rewrite_needed = false;
};

/// What a journal has cost since it was opened.
struct JournalFigures {
  std::uint64_t bytes_written = 0;  ///< Appended and rewritten.
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t rewrites = 0;

  friend bool operator==(const JournalFigures&, const JournalFigures&) = default;
};

/// The queue's memory across restarts: changes go in, and the records they make come out again.
/// The bytes are those of docs/journal_format.md.
///
/// `add` and the questions may be called from any thread. Everything else belongs to one coroutine, one call at a
/// time. Begin with `replay`; if it says so, rewrite; then repeat `write` and `sync`.
///
///     Journal journal(std::move(log), setup);
///     Result<Restored> restored = co_await journal.replay();
///     ...
///     // The rewrite: the first three while nobody can change the records.
///     journal.begin_rewrite(clock.wall_now());
///     for (const JobRecord& job : jobs) describe(job, [&](const Change& change) { journal.snapshot(change); });
///     journal.end_snapshot();
///     Result<void> rewritten = co_await journal.finish_rewrite();
///
/// After an error of `write`, `sync` or `finish_rewrite` the journal has failed: `add` still counts, but what it is
/// given only becomes durable by a rewrite that succeeds. What was durable before stays so.
class Journal {
 public:
  Journal(std::unique_ptr<LogFile> log, JournalSetup setup);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Reads the whole log. Called once, first, before any `add`. Damage is survived and reported, a copy of the damaged
  /// log is kept. `Errc::journal_foreign` and `journal_newer`: the log is not ours to write; nothing was touched.
  /// Bytes that were not synced before the machine went down are gone from the jobs and listed in the report.
  asio::awaitable<Result<Restored>> replay();

  /// Takes a change to be written. Encodes it at once and never waits for the disk. In the order in which the
  /// changes were applied to the model, so call it under the lock that orders those.
  /// `accepts(change)` must have said yes, or be sure to.
  void add(const Change& change);
  /// Whether a change fits into the format: texts up to 64 KiB, a file up to 1 MiB. To be asked before a change that a
  /// host's own words are in (`JobCreated`, `JobConfigured`, `FilesAdded`) is applied; all others always fit.
  [[nodiscard]] static Result<void> accepts(const Change& change);

  /// How many changes have been added. All that was read is one more: a power cut may still take it.
  [[nodiscard]] std::uint64_t added() const;
  /// How many of these, counted from the first, survive this process. Never falls.
  [[nodiscard]] std::uint64_t written() const;
  /// How many of these, counted from the first, survive a power cut. Never falls.
  [[nodiscard]] std::uint64_t durable() const;

  /// Appends everything added so far: it survives this process, not yet a power cut. Nothing to append is success.
  /// `Errc::journal_failed`, without touching the log, if only a rewrite may follow.
  asio::awaitable<Result<void>> write();
  /// Makes everything written durable, and after `replay` what was read. Nothing to sync is success.
  asio::awaitable<Result<void>> sync();

  /// The rewrite: compaction, the first file, the way out of every error. From `begin_rewrite` to `end_snapshot`
  /// nobody may change the records or call `add`: hold the model's lock. May begin again at any time before
  /// `finish_rewrite` or after it failed.
  void begin_rewrite(WallTime now);
  /// One of the changes that make the live records, as `describe` gives them.
  void snapshot(const Change& change);
  void end_snapshot();
  /// In place of `end_snapshot`: there was no memory for it. The journal has failed, and only another rewrite helps.
  void abandon_snapshot();
  /// Puts the snapshot in the log's place. Success: it and everything added before `end_snapshot` are durable, and what
  /// was added since waits for `write`. Error: the old log is still there; begin again.
  asio::awaitable<Result<void>> finish_rewrite();

  /// Whether only a rewrite may follow.
  [[nodiscard]] bool failed() const;
  /// Whether the log is larger than the limit and than four times what the last snapshot and the jobs since took.
  [[nodiscard]] bool compaction_due() const;
  /// Bytes in the log.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] JournalFigures figures() const;

 private:
  enum class Phase : std::uint8_t { failed, snapshot, replacing, open };

  /// Goes on in the log that was read, if one may.
  void resume(std::span<const std::byte> file, const Replayed& replayed);
  /// Writes once more what was read and may never have reached the disk, although the system counts it as written.
  asio::awaitable<Result<void>> write_untold_again();
  void fail();
  [[nodiscard]] Error failure() const;

  const std::unique_ptr<LogFile> log_;
  const JournalSetup setup_;

  mutable std::mutex mutex_;  // Guards everything below but what belongs to one call.
  Phase phase_ = Phase::failed;
  bool unsynced_ = false;           // The log may hold bytes that a power cut would take.
  FrameWriter frames_;              // Under which id and number the next record goes out.
  std::vector<std::byte> pending_;  // Encoded, not yet given to the log.
  std::uint64_t added_ = 0;
  std::uint64_t written_ = 0;  // Of the added: given to the log.
  std::uint64_t durable_ = 0;
  std::uint64_t snapshot_added_ = 0;  // Of the added: in the snapshot.
  std::uint64_t written_seq_ = 0;     // Number of the last record given to the log.
  std::uint64_t synced_seq_ = 0;      // Number of the last durable record, ...
  bool synced_untold_ = false;        // ... and whether the log does not say so yet.
  std::uint64_t size_ = 0;
  std::uint64_t snapshot_size_ = 0;
  LastingBytes lasting_;  // Behind the snapshot.
  JournalFigures figures_;

  std::uint64_t untold_from_ = 0;    // Belongs to `sync`: where this is in the log.
  std::vector<std::byte> untold_;    // Belongs to `sync`: what was read and nothing says to be durable.
  std::vector<std::byte> writing_;   // In flight: belongs to `write`.
  std::vector<std::byte> snapshot_;  // Belongs to the rewrite.
  FileHeader snapshot_header_;
};

}  // namespace bgxfer::inline v0::detail

#endif
