#include "frame.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "../base/mutant.hpp"
#include "crc32c.hpp"
#include "little_endian.hpp"

namespace bgxfer::inline v0::detail {

namespace {

constexpr std::array<char, 8> magic = {'B', 'G', 'X', 'J', 'R', 'N', 'L', '\0'};
constexpr std::size_t header_bytes_max = 64 * 1024;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

/// The checksum of a record: over the file's id, the head without what is fixed, and the payload.
std::uint32_t record_crc(std::uint32_t id_crc, std::uint32_t payload_bytes, std::uint64_t seq, std::uint16_t type,
                         std::uint16_t flags, std::span<const std::byte> payload) {
  std::array<std::byte, 16> head{};
  const std::span<std::byte> into(head);
  store_le(into, payload_bytes);
  store_le(into.subspan(4), seq);
  store_le(into.subspan(12), type);
  store_le(into.subspan(14), flags);
  return crc32c(payload, crc32c(head, id_crc));
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

/// Whether the checksum at the end of a header of this length is right, the magic taken for granted.
bool header_sums_up(std::span<const std::byte> file, std::size_t bytes) {
  if (bytes < header_bytes || bytes > header_bytes_max || bytes > file.size()) return false;
  const std::uint32_t sum = crc32c(file.subspan(8, bytes - 12), crc32c(std::as_bytes(std::span(magic))));
  return sum == load_le<std::uint32_t>(file.subspan(bytes - 4));
}

}  // namespace

void put_header(std::span<std::byte> file, const FileHeader& header) {
  assert(file.size() >= header_bytes);
  std::memset(file.data(), 0, header_bytes);
  std::memcpy(file.data(), magic.data(), magic.size());
  store_le(file.subspan(8), header.major);
  store_le(file.subspan(10), header.minor);
  store_le(file.subspan(12), static_cast<std::uint32_t>(header_bytes));
  std::copy(header.file_id.begin(), header.file_id.end(), file.begin() + 16);
  store_le(file.subspan(32), header.created_ms);
  store_le(file.subspan(40), header.base_seq);
  store_le(file.subspan(48), header.snapshot_bytes);
  store_le(file.subspan(60), crc32c(file.first(header_bytes - 4)));
}

HeaderReading read_header(std::span<const std::byte> file) {
  HeaderReading reading;
  const std::span<const std::byte> name = std::as_bytes(std::span(magic));
  const bool ours = std::equal(
      file.begin(), file.begin() + static_cast<std::ptrdiff_t>(std::min(file.size(), name.size())), name.begin());
  if (file.size() < header_bytes) {
    reading.verdict = ours ? HeaderVerdict::torn : HeaderVerdict::foreign;
    return reading;
  }
  FileHeader& header = reading.header;
  header.major = load_le<std::uint16_t>(file.subspan(8));
  header.minor = load_le<std::uint16_t>(file.subspan(10));
  std::copy_n(file.begin() + 16, header.file_id.size(), header.file_id.begin());
  header.created_ms = load_le<std::uint64_t>(file.subspan(32));
  header.base_seq = load_le<std::uint64_t>(file.subspan(40));
  header.snapshot_bytes = load_le<std::uint64_t>(file.subspan(48));

  const std::size_t bytes = load_le<std::uint32_t>(file.subspan(12));
  const bool sums_up = header_sums_up(file, bytes);
  if (sums_up && header.major > journal_major) {
    reading.verdict = ours ? HeaderVerdict::newer : HeaderVerdict::damaged;
  } else if (sums_up && ours && header.major == journal_major && bytes % 8 == 0) {
    reading.verdict = HeaderVerdict::good;
    reading.bytes = bytes;
  } else {
    // A flipped bit in the magic does not make the file somebody else's: the rest of the header still sums up.
    reading.verdict = ours || sums_up ? HeaderVerdict::damaged : HeaderVerdict::foreign;
  }
  return reading;
}

FrameWriter::FrameWriter(const FileId& id, std::uint64_t next_seq)
    : id_(id), id_crc_(crc32c(id)), next_seq_(next_seq) {}

void FrameWriter::append(std::vector<std::byte>& out, std::uint16_t type, std::uint16_t flags,
                         std::span<const std::byte> payload) {
  assert(payload.size() <= payload_bytes_max);
  const auto length = static_cast<std::uint32_t>(payload.size());
  const std::size_t begin = out.size();
  out.resize(begin + record_head_bytes + padded(payload.size()));
  const std::span<std::byte> record = std::span(out).subspan(begin);
  store_le(record, length);
  store_le(record.subspan(4), record_crc(id_crc_, length, next_seq_, type, flags, payload));
  store_le(record.subspan(8), next_seq_);
  store_le(record.subspan(16), type);
  store_le(record.subspan(18), flags);
  std::copy(payload.begin(), payload.end(), record.begin() + record_head_bytes);
  ++next_seq_;
}

FrameReader::FrameReader(std::span<const std::byte> file, std::size_t offset, const FileId& id, std::uint64_t base_seq)
    : file_(file),
      id_crc_(crc32c(id)),
      end_(std::min(offset, file.size())),
      next_seq_(base_seq),
      effort_left_(8 * std::uint64_t{file.size()} + 16 * payload_bytes_max) {}

std::optional<Frame> FrameReader::next() {
  std::optional<Frame> frame = read_at(end_);
  if (!frame) frame = search();
  if (!frame) return frame;
  frame->lost = frame->seq - next_seq_;
  next_seq_ = frame->seq + 1;
  end_ = frame->offset + record_head_bytes + padded(frame->payload.size());
  return frame;
}

std::optional<Frame> FrameReader::read_at(std::size_t offset) {
  if (file_.size() - offset < record_head_bytes) return std::nullopt;
  const std::span<const std::byte> head = file_.subspan(offset, record_head_bytes);
  const auto length = load_le<std::uint32_t>(head);
  if (length > payload_bytes_max) return std::nullopt;
  const std::size_t room = file_.size() - offset - record_head_bytes;
  if (padded(length) > room) return std::nullopt;

  Frame frame;
  frame.offset = offset;
  frame.seq = load_le<std::uint64_t>(head.subspan(8));
  frame.type = load_le<std::uint16_t>(head.subspan(16));
  frame.flags = load_le<std::uint16_t>(head.subspan(18));
  // A number that has been needs no checksum, and the greatest has no successor.
  if (frame.seq < next_seq_ || frame.seq == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  if (load_le<std::uint32_t>(head.subspan(20)) != 0) return std::nullopt;
  const std::span<const std::byte> body = file_.subspan(offset + record_head_bytes, padded(length));
  if (!all_zero(body.subspan(length))) return std::nullopt;

  frame.payload = body.first(length);
  const std::uint64_t cost = record_head_bytes + length;
  if (offset != end_) {
    if (cost > effort_left_) return std::nullopt;
    effort_left_ -= cost;
  }
  const std::uint32_t sum = record_crc(id_crc_, length, frame.seq, frame.type, frame.flags, frame.payload);
  if (sum != load_le<std::uint32_t>(head.subspan(4)) && !BGXFER_MUTANT(1)) return std::nullopt;
  return frame;
}

std::optional<Frame> FrameReader::search() {
  // Records begin at multiples of eight, so a length that lies does not hide those behind it.
  for (std::size_t offset = end_ + 8; offset < file_.size(); offset += 8) {
    std::optional<Frame> frame = read_at(offset);
    if (frame && frame->seq > next_seq_) return frame;
  }
  return std::nullopt;
}

}  // namespace bgxfer::inline v0::detail
