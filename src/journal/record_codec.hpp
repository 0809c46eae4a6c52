#ifndef BGXFER_SRC_JOURNAL_RECORD_CODEC_HPP
#define BGXFER_SRC_JOURNAL_RECORD_CODEC_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/result.hpp>

#include "../model/change.hpp"
#include "field_codec.hpp"
#include "frame.hpp"

namespace bgxfer::inline v0::detail {

/// The inner layer of docs/journal_format.md: what is in a record.

/// Numbers of the record types. For ever: append, never renumber, never use one again.
enum class RecordType : std::uint16_t {
  session = 1,
  job_created = 2,
  job_configured = 3,
  files_added = 4,
  job_moved = 5,
  file_started = 6,
  file_progressed = 7,
  file_restarted = 8,
  file_finished = 9,
  files_synced = 10,
  commit_started = 11,
  commit_failed = 12,
  notice_delivered = 13,
  job_removed = 14,
  synced = 15,
  files_owed = 16,
  file_validated = 17,
  url_changed = 18,
  redirected = 19,  // Optional: what it says is for the host to know, and is learned again.
  sync_begun = 20,  // Optional, as is the next: who does not know them trusts bytes that a failed sync has taken.
  sync_ended = 21,
};

/// What follows was written while `Storage::epoch` was this.
struct Session {
  std::string epoch;
  FileId file_id{};  ///< Of the file that it stands in; for a header that was damaged.
};

/// Every record up to this number was durable before what follows was written.
struct Synced {
  std::uint64_t seq = 0;
};

/// Appends the records of `change` to `out`: mostly one, several if it has more files or ranges than fit into one.
/// Request headers are left out; only that there were some is kept.
void encode(const Change& change, FrameWriter& frames, std::vector<std::byte>& out);
void encode(const Session& session, FrameWriter& frames, std::vector<std::byte>& out);
void encode(const Synced& synced, FrameWriter& frames, std::vector<std::byte>& out);

/// Whether `change` can be written and read back.
[[nodiscard]] Result<void> check_encodable(const Change& change);

enum class RecordVerdict : std::uint8_t {
  change,
  session,
  synced,
  skipped,    ///< Of a later minor version, which says that it may be left out.
  newer,      ///< Of a later version, and must not be left out.
  malformed,  ///< The checksum is right, the contents are not: nobody wrote this in good faith.
};

struct RecordReading {
  RecordVerdict verdict = RecordVerdict::malformed;
  std::optional<Change> change{};
  Session session{};
  Synced synced{};
};

/// Reads a payload. Trusts nothing in it: lengths, numbers and names are checked before anything is made of them.
[[nodiscard]] RecordReading decode(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> payload);

}  // namespace bgxfer::inline v0::detail

#endif
