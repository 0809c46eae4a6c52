#ifndef BGXFER_JOURNAL_REPORT_HPP
#define BGXFER_JOURNAL_REPORT_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/restore_report.hpp>
#include <bgxfer/state.hpp>

namespace bgxfer::inline v0 {

/// A file that is under way, as a journal has it.
struct JournalFile {
  FileIndex file{};
  std::string url{};                  ///< May carry secrets; show `public_url` of it.
  std::filesystem::path temporary{};  ///< Where its bytes are.
  std::uint64_t bytes_arrived = 0;
  std::uint64_t bytes_expected_on_disk = 0;  ///< The temporary file should be at least this long.
};

/// A job as a journal has it.
struct JournalJob {
  JobId id{};
  std::string display_name{};
  JobState state{};
  bool completing = false;      ///< `complete` was called and is carried on at the next start.
  bool headers_needed = false;  ///< It had secret headers, which are not in the journal.
  Progress progress{};
  std::optional<Error> error{};
  std::vector<JournalFile> under_way{};  ///< Files of which some bytes have arrived and that have no final name yet.
};

/// What a journal holds, and what opening it would do.
struct JournalReport {
  std::optional<Error> refused{};  ///< Why no queue would open it: foreign, or of a newer version.
  std::vector<JournalJob> jobs{};
  std::uint64_t records_up_to = 0;  ///< Number of the last record that counts.
  bool torn = false;                ///< The last run died while it wrote: the unfinished end is dropped.
  bool damaged = false;             ///< Records are missing: a copy would be kept, and the rest salvaged.
  /// The machine was started again since the last run, so what was not synced is not believed.
  bool restarted = false;
  /// What the next start would report, if the temporary files are what the journal says.
  RestoreReport next_start{};
};

/// Reads a journal's bytes without a queue, a lock, or changing anything. `epoch` is the storage's (`Storage::epoch`).
/// Pure, linear in the size of `contents`; trusts nothing in it. Any thread.
[[nodiscard]] BGXFER_API JournalReport inspect_journal(std::span<const std::byte> contents, const std::string& epoch);

}  // namespace bgxfer::inline v0

#endif
