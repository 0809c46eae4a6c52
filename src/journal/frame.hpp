#ifndef BGXFER_SRC_JOURNAL_FRAME_HPP
#define BGXFER_SRC_JOURNAL_FRAME_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bgxfer::inline v0::detail {

/// The outer layer of docs/journal_format.md: a header, then records that know their length, number and checksum.
/// Nothing here knows what is in a record.

inline constexpr std::uint16_t journal_major = 1;
inline constexpr std::uint16_t journal_minor = 0;
inline constexpr std::size_t header_bytes = 64;
inline constexpr std::size_t record_head_bytes = 24;
inline constexpr std::size_t payload_bytes_max = 1024 * 1024;

/// Random, new for every file: a record only counts in the file it was written for.
using FileId = std::array<std::byte, 16>;

/// Bits of a record's flags.
inline constexpr std::uint16_t record_optional = 1;  ///< A reader that does not know the type may skip it.
inline constexpr std::uint16_t record_more = 2;      ///< The change goes on in the next record.
inline constexpr std::uint16_t record_flags_known = record_optional | record_more;

/// The first bytes of a file.
struct FileHeader {
  std::uint16_t major = journal_major;
  std::uint16_t minor = journal_minor;
  FileId file_id{};
  std::uint64_t created_ms = 0;      ///< Wall clock, milliseconds since 1970. For people.
  std::uint64_t base_seq = 1;        ///< Number of the first record.
  std::uint64_t snapshot_bytes = 0;  ///< Length of the file when it was put in place: all of that was durable.
};

/// Writes `header` over the first 64 bytes of `file`.
void put_header(std::span<std::byte> file, const FileHeader& header);

enum class HeaderVerdict : std::uint8_t {
  good,
  torn,     ///< Ours, as far as it goes: fewer bytes than a header.
  damaged,  ///< Ours, but the checksum is wrong. `header` holds what it seems to say.
  newer,    ///< Of a later major version.
  foreign,  ///< Not ours.
};

struct HeaderReading {
  HeaderVerdict verdict = HeaderVerdict::foreign;
  FileHeader header;
  std::size_t bytes = header_bytes;  ///< Where the records begin.
};

[[nodiscard]] HeaderReading read_header(std::span<const std::byte> file);

/// Frames records: gives each the next number.
class FrameWriter {
 public:
  FrameWriter() = default;
  FrameWriter(const FileId& id, std::uint64_t next_seq);

  /// Appends a whole record to `out`. At most `payload_bytes_max` bytes of payload.
  void append(std::vector<std::byte>& out, std::uint16_t type, std::uint16_t flags, std::span<const std::byte> payload);

  [[nodiscard]] const FileId& file_id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }

 private:
  FileId id_{};
  std::uint32_t id_crc_ = 0;  // State of the checksum behind the file id.
  std::uint64_t next_seq_ = 1;
};

/// A record whose checksum is right. `payload` points into the file.
struct Frame {
  std::uint64_t seq = 0;
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::span<const std::byte> payload;
  std::size_t offset = 0;  ///< Of the record's first byte in the file.
  std::uint64_t lost = 0;  ///< Records that are missing between the one before and this one. Not 0: damage.
};

/// Goes through the records of a file. After a record that does not validate it looks for a later one that does;
/// if there is one, the file is damaged, and if there is none, its tail is torn.
class FrameReader {
 public:
  /// `file` outlives the reader. Records begin at `offset`, the first one should have the number `base_seq`.
  FrameReader(std::span<const std::byte> file, std::size_t offset, const FileId& id, std::uint64_t base_seq);

  /// The next record; empty at the end.
  [[nodiscard]] std::optional<Frame> next();

  /// After the end: bytes behind the last good record.
  [[nodiscard]] std::size_t tail_bytes() const noexcept { return file_.size() - end_; }
  /// Number of the record that would come next.
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }

 private:
  [[nodiscard]] std::optional<Frame> read_at(std::size_t offset);
  [[nodiscard]] std::optional<Frame> search();

  std::span<const std::byte> file_;
  std::uint32_t id_crc_;
  std::size_t end_;  // Behind the last good record.
  std::uint64_t next_seq_;
  std::uint64_t effort_left_;  // Bytes that a search may still checksum: keeps it linear whatever the file says.
};

}  // namespace bgxfer::inline v0::detail

#endif
