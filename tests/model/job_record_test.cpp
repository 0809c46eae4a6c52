#include "model/job_record.hpp"

#include <doctest/doctest.h>

#include "model/change.hpp"

using namespace bgxfer::detail;
using bgxfer::FileIndex;
using bgxfer::JobId;

TEST_CASE("a temporary name is found again from the job and the file alone") {
  const JobId job = JobId::from_random(0x0123456789abcdef, 0xfedcba9876543210);
  CHECK(temporary_name(job, FileIndex{0}) == ".bgx-0123456789ab4defbedcba9876543210-0.part");
  CHECK(temporary_name(job, FileIndex{4'294'967'295}) == ".bgx-0123456789ab4defbedcba9876543210-4294967295.part");
  CHECK(temporary_name(job, FileIndex{1}) != temporary_name(JobId(), FileIndex{1}));
}

TEST_CASE("a file is assembled beside the place where it goes") {
  JobRecord record;
  record.files.resize(1);
  record.files[0].target = "/games/a.pak";
  const bgxfer::FilePlace place = place_of(record, FileIndex{0});
  CHECK(place.target == "/games/a.pak");
  CHECK(place.temporary().parent_path() == "/games");
  CHECK(place.temporary_name == temporary_name(record.id, FileIndex{0}));
}

TEST_CASE("a job knows its size when it knows that of every file") {
  JobRecord record;
  FilesAdded added{record.id, {}, {}};
  added.files.resize(2);
  added.files[0].size = 100;
  apply(record, added);
  CHECK_FALSE(progress_of(record).bytes_total);
  CHECK(progress_of(record).files_total == 2);
  apply(record, FileStarted{record.id, FileIndex{1}, 0, {}, 50, 50, {}, std::nullopt});
  CHECK(progress_of(record).bytes_total == 150);
  FileProgressed progressed{record.id, FileIndex{1}, 0, false, {}};
  progressed.ranges.push_back({0, 30});
  apply(record, progressed);
  apply(record, FileFinished{record.id, FileIndex{0}, 0, {}, 100, std::nullopt, false});
  CHECK(progress_of(record).bytes_transferred == 130);
  CHECK(progress_of(record).files_transferred == 1);
}

TEST_CASE("the size of a file of ranges is their sum, unless one is open") {
  JobRecord record;
  FilesAdded added{record.id, {}, {}};
  added.files.resize(3);
  added.files[0].ranges = {{10, 5}, {100, 7}};
  added.files[1].ranges = {{10, 5}, {100, bgxfer::ByteRange::to_end}};
  added.files[2].ranges = {{0, bgxfer::ByteRange::to_end - 1}, {0, 2}};
  apply(record, added);
  CHECK(record.files[0].size == 12);
  CHECK(record.files[1].size == size_unknown);
  CHECK(record.files[2].size == size_unknown);
}

TEST_CASE("a file that waits costs little memory") { CHECK(sizeof(FileRecord) <= 96); }
