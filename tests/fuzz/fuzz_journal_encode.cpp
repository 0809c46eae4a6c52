// Whatever a host asks for is refused before it is written, or read back as it was.
//
// Input: 8 bytes seed, then 3 bytes for each change: what it is (the 2 highest bits: a new job, a file, anything) and
// which of its texts and lists is stretched, and how far.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "journal/little_endian.hpp"
#include "journal/record_codec.hpp"
#include "support/random_changes.hpp"
#include "support/records.hpp"

namespace {

using namespace bgxfer::detail;

/// Of all changes of an input together: one may be as large as can be, or a few, so that a run takes milliseconds.
constexpr std::size_t stretch_max = std::size_t{4} * 0xffff;

void expect(bool fact) {
  if (!fact) std::abort();
}

void stretch(bgxfer::JobOptions& options, unsigned what, std::size_t size) {
  const std::string text(size, 't');
  bgxfer::HttpOptions& http = options.http;
  switch (what % 16) {
    case 0: options.display_name = text; break;
    case 1: options.description = text; break;
    case 2: options.tag = text; break;
    case 3: options.notify.handler = text; break;
    case 4: options.notify.command.program = text; break;
    case 5: options.notify.command.arguments = {text, std::string(), text}; break;
    case 6: http.proxy.list = text; break;
    case 7: http.proxy.bypass = text; break;
    case 8: http.method = text; break;
    case 9: http.tls.revocation_lists = text; break;
    case 10: http.tls.extra_authorities = text; break;
    case 11: http.tls.client.key_file = text; break;
    case 12: http.tls.pins.resize(size / 16); break;
    case 13: http.tls.ignore_wrong_host = http.tls.ignore_unknown_authority = http.tls.ignore_wrong_usage = true; break;
    default: break;
  }
}

void stretch(bgxfer::FileSpec& file, unsigned what, std::size_t size) {
  switch (what % 16) {
    case 0: file.url += std::string(size, 'u'); break;
    case 1: file.target += std::string(size, 't'); break;
    case 2: file.target = "relative"; break;
    case 3: file.url.push_back('\n'); break;
    case 4: file.size = size_unknown; break;
    case 5: file.mirrors.assign(1 + size / 70'000, "https://mirror.example/" + std::string(size % 70'000, 'm')); break;
    case 6:
      file.ranges.assign(size, bgxfer::ByteRange{1, 1});
      file.placed_at.clear();
      break;
    case 7:
      file.ranges = {{5, 0}};
      file.placed_at.clear();
      break;
    case 8:
      file.ranges = {{5, 1}};
      file.placed_at = {what < 96 ? bgxfer::ByteRange::to_end : 7};
      break;
    case 9:
      file.ranges = {{bgxfer::ByteRange::to_end, 1}};
      file.placed_at = {7, 8};
      break;
    case 10:
      file.size = 1 + size;
      file.pieces.bytes = what < 96 ? 1 : 0;
      file.pieces.sha256.resize(1 + size);
      break;
    default: break;
  }
}

void stretch(Change& change, unsigned what, std::size_t size) {
  if (auto* created = std::get_if<JobCreated>(&change)) stretch(created->options, what, size);
  if (auto* configured = std::get_if<JobConfigured>(&change)) stretch(configured->options, what, size);
  if (auto* owed = std::get_if<FilesSynced>(&change); owed && what % 4 == 0) change = FilesOwed{owed->job, owed->files};
  if (auto* moved = std::get_if<UrlChanged>(&change))
    (what % 2 == 0 ? moved->url : moved->prefix) += std::string(size, 'u');
  if (auto* progressed = std::get_if<FileProgressed>(&change); progressed && what % 2 == 0) {
    progressed->ranges.assign(size / 16, bgxfer::ByteRange{1, 1});
  }
  auto* added = std::get_if<FilesAdded>(&change);
  if (!added || added->files.empty()) return;
  stretch(added->files.front(), what, size);
  // Files of one job that do not fit into one record.
  if (what % 16 == 15) added->files.resize(1 + size / 8, added->files.front());
}

/// What comes in several records, as one.
void append(Change& whole, Change part) {
  if (auto* added = std::get_if<FilesAdded>(&whole)) {
    auto& more = std::get<FilesAdded>(part).files;
    added->files.insert(added->files.end(), more.begin(), more.end());
  } else {
    auto& more = std::get<FileProgressed>(part).ranges;
    auto& ranges = std::get<FileProgressed>(whole).ranges;
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::byte> input = std::as_bytes(std::span(data, size));
  if (input.size() < 8) return 0;
  bgxfer_tests::RandomChanges random(load_le<std::uint64_t>(input));
  const Change job = random.next();  // The first there can be is a new job.
  bgxfer::FileSpec file;
  file.url = "https://example.org/a";
  file.target = "/games/a";
  input = input.subspan(8);
  std::size_t stretch_left = stretch_max;
  for (int count = 0; input.size() >= 3 && count < 64; input = input.subspan(3), ++count) {
    const auto what = static_cast<unsigned>(input[0]);
    Change change = what < 64 ? job : what < 128 ? FilesAdded{job_of(job), {file}, WallTime{}} : random.next();
    const std::size_t amount = std::min(std::size_t{4} * load_le<std::uint16_t>(input.subspan(1)), stretch_left);
    stretch_left -= amount;
    stretch(change, what, amount);
    if (!check_encodable(change)) continue;
    FrameWriter writer(FileId{}, 1);
    std::vector<std::byte> written;
    encode(Synced{1}, writer, written);
    encode(change, writer, written);
    FrameReader reader(written, 0, FileId{}, 1);
    const std::optional<Frame> synced = reader.next();
    expect(synced && decode(synced->type, synced->flags, synced->payload).synced.seq == 1);
    std::optional<Change> read;
    while (const std::optional<Frame> frame = reader.next()) {
      RecordReading reading = decode(frame->type, frame->flags, frame->payload);
      expect(reading.verdict == RecordVerdict::change);
      if (read)
        append(*read, *std::move(reading.change));
      else
        read = std::move(reading.change);
    }
    expect(reader.tail_bytes() == 0 && read && bgxfer_tests::show(*read) == bgxfer_tests::show(change));
  }
  return 0;
}
