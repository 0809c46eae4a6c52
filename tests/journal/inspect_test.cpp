#include <bgxfer/journal_report.hpp>

#include <vector>

#include <doctest/doctest.h>

#include "journal/record_codec.hpp"
#include "support/journal_example.hpp"

using namespace bgxfer;
using namespace bgxfer::detail;

namespace {

/// The journal of docs/journal_format.md, but for its last record.
std::vector<std::byte> half_a_file() {
  bgxfer_tests::JournalExample example = bgxfer_tests::journal_example();
  std::vector<std::byte> bytes(header_bytes);
  FrameWriter frames(example.header.file_id, example.header.base_seq);
  encode(example.session, frames, bytes);
  for (const Change& change : example.snapshot) encode(change, frames, bytes);
  example.header.snapshot_bytes = bytes.size();
  put_header(bytes, example.header);
  encode(example.appended[0], frames, bytes);
  encode(example.appended[1], frames, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a report says what a journal holds and where its bytes are") {
  const JournalReport report = inspect_journal(half_a_file(), "boot-1");
  CHECK_FALSE(report.refused);
  CHECK_FALSE(report.torn);
  CHECK_FALSE(report.damaged);
  CHECK_FALSE(report.restarted);
  REQUIRE(report.jobs.size() == 1);
  CHECK(report.jobs[0].display_name == "game");
  CHECK(report.jobs[0].state == JobState::suspended);
  CHECK(report.jobs[0].progress.bytes_transferred == 4096);
  REQUIRE(report.jobs[0].under_way.size() == 1);
  CHECK(report.jobs[0].under_way[0].bytes_arrived == 4096);
  CHECK(report.jobs[0].under_way[0].bytes_expected_on_disk == 4096);
  CHECK(report.jobs[0].under_way[0].temporary.parent_path() == "/games");
  CHECK(report.next_start.bytes_to_fetch_again == 0);
}

TEST_CASE("a report tells of a torn end, of damage, of a restart of the machine, and of what is no journal") {
  std::vector<std::byte> bytes = half_a_file();
  CHECK(inspect_journal(bytes, "boot-2").restarted);
  bytes.push_back(std::byte{7});
  CHECK(inspect_journal(bytes, "boot-1").torn);
  CHECK(inspect_journal(bytes, "boot-1").next_start.torn_bytes == 1);
  bytes[header_bytes + 20] ^= std::byte{1};
  CHECK(inspect_journal(bytes, "boot-1").damaged);

  const std::vector<std::byte> diary(100, std::byte{'d'});
  REQUIRE(inspect_journal(diary, "boot-1").refused);
  CHECK(inspect_journal(diary, "boot-1").refused->code() == Errc::journal_foreign);
  CHECK(inspect_journal({}, "boot-1").jobs.empty());
}
