#ifndef BGXFER_SRC_JOURNAL_REPLAY_HPP
#define BGXFER_SRC_JOURNAL_REPLAY_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bgxfer/restore_report.hpp>

#include "../model/job_record.hpp"
#include "frame.hpp"
#include "lasting_bytes.hpp"

namespace bgxfer::inline v0::detail {

/// What the bytes of a journal say.
struct Replayed {
  /// The file is not ours to write: `Errc::journal_foreign` or `Errc::journal_newer`. Nothing else is filled in.
  std::optional<Error> refused{};
  std::vector<JobRecord> jobs{};  ///< In the order in which they were created.
  RestoreReport report{};         ///< Without `damaged_copy`.
  bool torn = false;              ///< The end was not written completely. Nothing may be appended.
  bool damaged = false;           ///< What had been written completely is not all there. Nothing may be appended.
  std::string epoch{};            ///< Of the last session.
  FileHeader header{};
  LastingBytes lasting{};      ///< Behind the snapshot.
  std::uint64_t next_seq = 1;  ///< Number of the record that would come next.
  /// Where the records begin that are not known to have been synced.
  std::size_t untold_from = 0;
};

/// Makes the jobs that a journal tells of. A pure function, linear in the size of `file`; an empty file is an
/// empty journal. What was not synced is forgotten where the epoch changes, and after the end if `epoch`, the one of
/// now, is not that of the last session, or if that is torn. What a sync of the last run may have taken
/// (`FileFacts::syncs`) is reported, and left for the run that goes on to forget by changes of its own. Guesses
/// nothing: what could be wrong after damage is fetched again.
[[nodiscard]] Replayed replay(std::span<const std::byte> file, const std::string& epoch);

}  // namespace bgxfer::inline v0::detail

#endif
