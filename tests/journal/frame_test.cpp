#include "journal/frame.hpp"

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "journal/little_endian.hpp"
#include "support/journal_example.hpp"
#include "support/records.hpp"
#include "support/source_dir.hpp"

using namespace bgxfer::detail;

namespace {

using Bytes = std::vector<std::byte>;

/// The example of docs/journal_format.md: the hex block, checked for its offsets on the way.
Bytes read_example() {
  std::ifstream file(bgxfer_tests::source_dir() / "docs/journal_format.md");
  REQUIRE(file.is_open());
  Bytes bytes;
  std::string line;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line == "```hex") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside && !line.empty()) {
      std::istringstream words(line.substr(0, line.find(';')));
      std::string word;
      words >> word;
      CHECK(std::stoul(word, nullptr, 16) == bytes.size());
      while (words >> word) bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
    }
  }
  return bytes;
}

FileId some_id(int first) {
  FileId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return id;
}

Bytes payload_of(std::size_t size) { return Bytes(size, std::byte{0x42}); }

/// A file of records with these payload sizes, numbered from 1.
Bytes make_file(const FileId& id, const std::vector<std::size_t>& sizes) {
  Bytes file(header_bytes);
  FileHeader header;
  header.file_id = id;
  put_header(file, header);
  FrameWriter writer(id, 1);
  for (std::size_t size : sizes) writer.append(file, 7, 0, payload_of(size));
  return file;
}

std::vector<Frame> read_all(const Bytes& file, const FileId& id) {
  FrameReader reader(file, header_bytes, id, 1);
  std::vector<Frame> frames;
  while (std::optional<Frame> frame = reader.next()) frames.push_back(*frame);
  return frames;
}

}  // namespace

TEST_CASE("the worked example of the format page is what is written") {
  auto example = bgxfer_tests::journal_example();
  Bytes file(header_bytes);
  FrameWriter writer(example.header.file_id, example.header.base_seq);
  encode(example.session, writer, file);
  for (const Change& change : example.snapshot) encode(change, writer, file);
  example.header.snapshot_bytes = file.size();
  put_header(file, example.header);
  for (const Change& change : example.appended) encode(change, writer, file);
  CHECK(file == read_example());
}

TEST_CASE("the worked example of the format page is what is read") {
  const auto example = bgxfer_tests::journal_example();
  const Bytes file = read_example();
  const HeaderReading head = read_header(file);
  CHECK(head.verdict == HeaderVerdict::good);
  CHECK(head.header.file_id == example.header.file_id);
  CHECK(head.header.created_ms == example.header.created_ms);
  CHECK(head.header.base_seq == 1);
  CHECK(head.header.snapshot_bytes == 368);

  std::vector<Change> expected = example.snapshot;
  expected.insert(expected.end(), example.appended.begin(), example.appended.end());
  FrameReader reader(file, head.bytes, head.header.file_id, head.header.base_seq);
  std::size_t at = 0;
  while (std::optional<Frame> frame = reader.next()) {
    CHECK(frame->lost == 0);
    const RecordReading reading = decode(frame->type, frame->flags, frame->payload);
    if (frame->seq == 1) {
      CHECK(reading.verdict == RecordVerdict::session);
      CHECK(reading.session.epoch == example.session.epoch);
      CHECK(reading.session.file_id == example.session.file_id);
      continue;
    }
    REQUIRE(reading.verdict == RecordVerdict::change);
    REQUIRE(at < expected.size());
    CHECK(bgxfer_tests::show(*reading.change) == bgxfer_tests::show(expected[at++]));
  }
  CHECK(at == expected.size());
  CHECK(reader.tail_bytes() == 0);
}

TEST_CASE("records of every size up to the limit are read as they were written") {
  const FileId id = some_id(1);
  const Bytes file = make_file(id, {0, 1, 7, 8, 9, 1000, payload_bytes_max});
  const std::vector<Frame> frames = read_all(file, id);
  REQUIRE(frames.size() == 7);
  CHECK(frames[0].payload.empty());
  CHECK(frames[6].payload.size() == payload_bytes_max);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].seq == i + 1);
    CHECK(frames[i].type == 7);
    CHECK(frames[i].offset % 8 == 0);
  }
}

TEST_CASE("old bytes behind a new header are not records") {
  const Bytes old_file = make_file(some_id(1), {10, 20, 30});
  Bytes new_file = make_file(some_id(2), {10});
  new_file.insert(new_file.end(), old_file.begin() + static_cast<std::ptrdiff_t>(new_file.size()), old_file.end());
  CHECK(read_all(new_file, some_id(2)).size() == 1);
  std::copy_n(make_file(some_id(2), {}).begin(), header_bytes, new_file.begin());
  CHECK(read_all(new_file, some_id(1)).size() == 2);
}

TEST_CASE("a tail without a valid record is torn, and one with a valid record behind it is damage") {
  const FileId id = some_id(1);
  Bytes file = make_file(id, {10, 20, 30});
  const std::vector<Frame> whole = read_all(file, id);
  file[whole[1].offset + record_head_bytes] ^= std::byte{1};
  std::vector<Frame> frames = read_all(file, id);
  REQUIRE(frames.size() == 2);
  CHECK(frames[1].seq == 3);
  CHECK(frames[1].lost == 1);

  file.resize(whole[2].offset);
  FrameReader reader(file, header_bytes, id, 1);
  CHECK(reader.next());
  CHECK_FALSE(reader.next());
  CHECK(reader.tail_bytes() == file.size() - whole[1].offset);
}

TEST_CASE("a length that lies does not hide the records behind it") {
  const FileId id = some_id(1);
  for (std::uint32_t lie : {0u, 9u, 500'000u, 0x100000u, 0x100001u, 0xffffffffu}) {
    CAPTURE(lie);
    Bytes file = make_file(id, {10, 20, 30});
    store_le(std::span(file).subspan(header_bytes), lie);
    const std::vector<Frame> frames = read_all(file, id);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].lost == 1);
  }
}

TEST_CASE("a gap in the numbers is a loss even between whole records") {
  const FileId id = some_id(1);
  Bytes file = make_file(id, {});
  FrameWriter(id, 1).append(file, 7, 0, payload_of(3));
  FrameWriter(id, 5).append(file, 7, 0, payload_of(3));
  FrameWriter(id, 2).append(file, 7, 0, payload_of(3));
  const std::vector<Frame> frames = read_all(file, id);
  REQUIRE(frames.size() == 2);
  CHECK(frames[1].lost == 3);
}

TEST_CASE("a search among bytes that look like records comes to an end soon") {
  const FileId id = some_id(1);
  Bytes file = make_file(id, {10});
  // Heads of records of the greatest length, one every 24 bytes, none of them valid.
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    Bytes head(24);
    store_le(std::span(head), static_cast<std::uint32_t>(payload_bytes_max));
    store_le(std::span(head).subspan(8), i + 3);
    file.insert(file.end(), head.begin(), head.end());
  }
  CHECK(read_all(file, id).size() == 1);
}

TEST_CASE("a header is good, torn, damaged, newer or foreign") {
  Bytes file = make_file(some_id(1), {});
  CHECK(read_header(file).verdict == HeaderVerdict::good);
  for (std::size_t size = 0; size < header_bytes; ++size) {
    CHECK(read_header(std::span(file).first(size)).verdict == HeaderVerdict::torn);
  }
  for (std::size_t bit = 0; bit < header_bytes * 8; ++bit) {
    Bytes flipped = file;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    CHECK(read_header(flipped).verdict == HeaderVerdict::damaged);
  }
  FileHeader later;
  later.major = journal_major + 1;
  put_header(file, later);
  CHECK(read_header(file).verdict == HeaderVerdict::newer);
  later.major = journal_major;
  later.minor = 9;
  put_header(file, later);
  CHECK(read_header(file).verdict == HeaderVerdict::good);
  CHECK(read_header(Bytes(100, std::byte{'x'})).verdict == HeaderVerdict::foreign);
  CHECK(read_header(Bytes(3, std::byte{'x'})).verdict == HeaderVerdict::foreign);
}
