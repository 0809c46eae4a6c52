#include "model/change.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/random_changes.hpp"
#include "support/records.hpp"

using namespace bgxfer::detail;
using bgxfer::ByteRange;
using bgxfer::FileIndex;
using bgxfer::JobId;
using bgxfer::JobState;
using bgxfer_tests::copy_of;
using bgxfer_tests::RandomChanges;
using bgxfer_tests::show;

namespace {

const JobId job = JobId::from_random(11, 22);
const WallTime noon{std::chrono::seconds{1'704'110'400}};
constexpr FileIndex first{0};

/// A suspended job of `count` files of unknown size.
JobRecord record_of(int count) {
  JobRecord record = make_record(JobCreated{job, {}, false, noon});
  FilesAdded added{job, {}, noon};
  for (int i = 0; i < count; ++i) {
    bgxfer::FileSpec spec;
    spec.url = "https://cdn.example/" + std::to_string(i);
    spec.target = "/games/" + std::to_string(i);
    added.files.push_back(std::move(spec));
  }
  apply(record, added);
  return record;
}

FileStarted started(std::uint32_t generation = 0) {
  return {job, first, generation, {1, 2}, 1000, 1000, "\"v\"", std::nullopt};
}

FileProgressed progressed(bool durable, std::uint64_t offset, std::uint64_t length, std::uint32_t generation = 0) {
  FileProgressed change{job, first, generation, durable, {}};
  change.ranges.push_back({offset, length});
  return change;
}

FileFinished finished(std::uint32_t file = 0, bool committed = false) {
  return {job, FileIndex{file}, 0, {1, 2}, 1000, std::nullopt, committed};
}

}  // namespace

TEST_CASE("the totals are those that counting gives, whatever changes") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    RandomChanges random(seed);
    for (int i = 0; i < 200; ++i) {
      random.next();
      for (const JobRecord& record : random.jobs) REQUIRE(record.totals == count_totals(record));
    }
    for (JobRecord& record : random.jobs) {
      if (seed % 2 == 0) {
        forget_unsynced(record);
      } else {
        forget_arrived(record);
      }
      REQUIRE(record.totals == count_totals(record));
    }
  }
}

TEST_CASE("what is not synced is always a part of what arrived") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    RandomChanges random(seed);
    for (int i = 0; i < 200; ++i) {
      random.next();
      for (const JobRecord& record : random.jobs) {
        for (const FileRecord& file : record.files) {
          if (!file.facts) continue;
          for (ByteRange range : file.facts->unsynced.ranges()) REQUIRE(file.facts->arrived.contains(range));
        }
      }
    }
  }
}

TEST_CASE("a record described is a record made again") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    RandomChanges random(seed);
    for (int i = 0; i < 100; ++i) random.next();
    for (const JobRecord& record : random.jobs) CHECK(show(copy_of(record)) == show(record));
  }
}

TEST_CASE("a finished small file is described in one change") {
  JobRecord record = record_of(3);
  for (std::uint32_t i = 0; i < 3; ++i) apply(record, finished(i));
  const auto changes_about_files = [&] {
    int count = 0;
    describe(record, [&](const Change& change) {
      if (std::holds_alternative<FileStarted>(change) || std::holds_alternative<FileProgressed>(change)) count += 100;
      if (std::holds_alternative<FileFinished>(change)) ++count;
    });
    return count;
  };
  CHECK(changes_about_files() == 3);
  apply(record, FilesSynced{job, {ByteRange{0, 10}}});
  CHECK(changes_about_files() == 3);
  CHECK(show(copy_of(record)) == show(record));
}

TEST_CASE("bytes that were durable stay durable when they are claimed again") {
  JobRecord record = record_of(1);
  apply(record, started());
  apply(record, progressed(true, 0, 500));
  apply(record, progressed(false, 400, 200));
  CHECK(record.files[0].bytes() == 600);
  CHECK(forget_unsynced(record) == 100);
  CHECK(record.files[0].bytes() == 500);
  apply(record, progressed(false, 500, 100));
  apply(record, progressed(true, 500, 50));
  CHECK(forget_unsynced(record) == 50);
}

TEST_CASE("progress of another generation counts for nothing") {
  JobRecord record = record_of(1);
  apply(record, started());
  apply(record, progressed(true, 0, 500));
  apply(record, FileRestarted{job, first, 1});
  CHECK(record.files[0].bytes() == 0);
  CHECK(record.files[0].size == size_unknown);
  apply(record, progressed(true, 0, 500));
  CHECK(record.files[0].bytes() == 0);
  apply(record, progressed(true, 0, 300, 1));
  CHECK(record.files[0].bytes() == 300);
}

TEST_CASE("a change that tells another size than the host did is void") {
  JobRecord record = make_record(JobCreated{job, {}, false, noon});
  FilesAdded added{job, {}, noon};
  bgxfer::FileSpec& spec = added.files.emplace_back();
  spec.url = "https://cdn.example/0";
  spec.target = "/games/0";
  spec.size = 2000;
  apply(record, added);
  CHECK(record.files[0].expected_size() == 2000);
  CHECK(record.files[0].facts == nullptr);
  apply(record, started());
  apply(record, finished());
  CHECK(record.files[0].stage == FileStage::waiting);
  CHECK(record.files[0].size == 2000);
  CHECK(record.totals == count_totals(record));
  CHECK(copy_of(record).files[0].expected_size() == 2000);
}

TEST_CASE("a file that starts under another generation has nothing of the one before") {
  JobRecord record = record_of(1);
  apply(record, started());
  apply(record, progressed(true, 0, 500));
  apply(record, started(1));
  CHECK(record.files[0].bytes() == 0);
  CHECK(record.totals == count_totals(record));
}

TEST_CASE("finished files are safe once they are synced, and lost with the power before that") {
  JobRecord record = record_of(2);
  apply(record, finished(0));
  apply(record, FilesSynced{job, {ByteRange{0, 10}}});
  apply(record, finished(1));
  CHECK(record.totals.files_finished == 2);
  CHECK(forget_unsynced(record) == 1000);
  CHECK(record.files[0].stage == FileStage::finished);
  CHECK(record.files[1].stage == FileStage::started);
  CHECK(record.totals.files_finished == 1);
}

TEST_CASE("a sync is of the files that it names, and a name too many does no harm") {
  JobRecord record = record_of(4);
  for (std::uint32_t i = 0; i < 4; ++i) apply(record, finished(i));
  apply(record, FilesSynced{job, {ByteRange{1, 2}, ByteRange{100, 5}, ByteRange{~std::uint64_t{0} - 5, 4}}});
  CHECK(forget_unsynced(record) == 2000);
  CHECK(record.files[0].stage == FileStage::started);
  CHECK(record.files[1].stage == FileStage::finished);
  CHECK(record.files[2].stage == FileStage::finished);
  CHECK(record.files[3].stage == FileStage::started);
}

TEST_CASE("a sync that is under way is described as often as it is under way, and over with the process") {
  JobRecord record = record_of(4);
  for (std::uint32_t i = 0; i < 3; ++i) apply(record, finished(i));
  apply(record, SyncBegun{job, {ByteRange{0, 2}, ByteRange{100, 5}}});
  apply(record, SyncBegun{job, {ByteRange{1, 3}}});
  CHECK(record.files[0].facts->syncs == 1);
  CHECK(record.files[1].facts->syncs == 2);
  CHECK(record.files[2].facts->syncs == 1);
  CHECK(record.files[3].facts == nullptr);
  CHECK(show(copy_of(record)) == show(record));

  apply(record, SyncEnded{job, {ByteRange{0, 2}}});
  apply(record, SyncEnded{job, {ByteRange{0, 1}}});
  CHECK(record.files[0].facts->syncs == 0);
  CHECK(record.files[1].facts->syncs == 1);
  for (int i = 0; i < 300; ++i) apply(record, SyncBegun{job, {ByteRange{0, 1}}});
  CHECK(record.files[0].facts->syncs == 255);
  CHECK(forget_unsynced(record) == 3000);
  CHECK(record.files[0].facts->syncs == 0);
}

TEST_CASE("a file that finishes shorter than it was keeps nothing behind its end") {
  JobRecord record = record_of(1);
  apply(record, started());
  apply(record, progressed(false, 3000, 500));
  apply(record, finished(0));
  CHECK(forget_unsynced(record) == 1000);
  CHECK(record.totals == count_totals(record));
}

TEST_CASE("a file under its own name is not changed any more") {
  JobRecord record = record_of(1);
  apply(record, finished(0, true));
  const std::string before = show(record);
  apply(record, FileRestarted{job, first, 1});
  apply(record, started());
  apply(record, finished(0));
  apply(record, progressed(false, 0, 10));
  forget_unsynced(record);
  forget_arrived(record);
  CHECK(show(record) == before);
}

TEST_CASE("a commit that fails says which files have their names") {
  JobRecord record = record_of(4);
  for (std::uint32_t i : {0u, 1u, 3u}) apply(record, finished(i));
  apply(record, CommitStarted{job, noon});
  CHECK(record.committing);
  const bgxfer::Error error(std::make_error_code(std::errc::permission_denied), bgxfer::ErrorContext::local_file,
                            "/games/3");
  apply(record, CommitFailed{job, 2, error, noon});
  CHECK_FALSE(record.committing);
  CHECK(record.error == error);
  CHECK(record.files[0].stage == FileStage::committed);
  CHECK(record.files[1].stage == FileStage::committed);
  CHECK(record.files[2].stage == FileStage::waiting);
  CHECK(record.files[3].stage == FileStage::finished);
}

TEST_CASE("a job owes an event when it is transferred or failed, until it was delivered") {
  JobRecord record = record_of(1);
  apply(record, JobMoved{job, JobState::transferred, std::nullopt, 0, noon});
  CHECK(record.owes_transferred);
  CHECK(record.times.transferred == noon);
  apply(record, NoticeDelivered{job});
  CHECK_FALSE(record.owes_transferred);
  CHECK(record.times.transferred == noon);
  apply(record,
        JobMoved{job, JobState::error, bgxfer::Error(bgxfer::Errc::stalled, bgxfer::ErrorContext::transport), 1, noon});
  CHECK(record.owes_failed);
  CHECK_FALSE(record.times.transferred);
  apply(record, JobMoved{job, JobState::queued, std::nullopt, 1, noon});
  CHECK_FALSE(record.owes_failed);
  CHECK_FALSE(record.error);
  CHECK(record.error_count == 1);
}

TEST_CASE("changes of files that the job does not have are ignored") {
  JobRecord record = record_of(1);
  const std::string before = show(record);
  apply(record, finished(1));
  FileStarted other = started();
  other.file = FileIndex{0xffffffff};
  apply(record, other);
  apply(record, FileRestarted{job, FileIndex{1}, 1});
  CHECK(show(record) == before);
}
