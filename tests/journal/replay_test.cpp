#include "journal/replay.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "journal/record_codec.hpp"
#include "support/journal_example.hpp"
#include "support/random_changes.hpp"
#include "support/records.hpp"

using namespace bgxfer::detail;
using bgxfer::Errc;
using bgxfer::FileIndex;
using bgxfer::JobId;
using bgxfer::JobState;
using bgxfer_tests::RandomChanges;
using bgxfer_tests::show;
using bgxfer_tests::show_durable;

namespace {

using Bytes = std::vector<std::byte>;

const JobId job = JobId::from_random(11, 22);
const WallTime noon{std::chrono::seconds{1'704'110'400}};

/// A journal file under construction.
struct File {
  explicit File(std::string epoch = "boot-1", int id_seed = 1) {
    for (std::size_t i = 0; i < header.file_id.size(); ++i)
      header.file_id[i] = static_cast<std::byte>(id_seed + static_cast<int>(i));
    put_header(bytes, header);
    writer = FrameWriter(header.file_id, 1);
    session(epoch);
  }
  void session(std::string epoch) {
    encode(Session{std::move(epoch), header.file_id}, writer, bytes);
    ends.push_back(bytes.size());
  }
  File& add(const Change& change) {
    encode(change, writer, bytes);
    ends.push_back(bytes.size());
    return *this;
  }
  /// Everything so far is durable, and what comes next says so.
  File& synced() {
    encode(Synced{writer.next_seq() - 1}, writer, bytes);
    return *this;
  }
  void snapshot_ends_here() {
    header.snapshot_bytes = bytes.size();
    put_header(bytes, header);
  }
  Replayed replay(const std::string& epoch = "boot-1") const { return bgxfer::detail::replay(bytes, epoch); }

  FileHeader header;
  FrameWriter writer;
  Bytes bytes = Bytes(header_bytes);
  std::vector<std::size_t> ends;  ///< Behind the session, and behind each change.
};

FilesAdded files(int count, std::uint64_t size = 1000) {
  FilesAdded added{job, {}, noon};
  for (int i = 0; i < count; ++i) {
    bgxfer::FileSpec spec;
    spec.url = "https://cdn.example/" + std::to_string(i);
    spec.target = "/games/" + std::to_string(i);
    spec.size = size;
    added.files.push_back(std::move(spec));
  }
  return added;
}

FileProgressed progressed(bool durable, std::uint64_t offset, std::uint64_t length, std::uint32_t file = 0) {
  FileProgressed change{job, FileIndex{file}, 0, durable, {}};
  change.ranges.push_back({offset, length});
  return change;
}

FileStarted started(std::uint32_t file = 0, std::uint32_t generation = 0) {
  return {job, FileIndex{file}, generation, {1, 2}, 1000, 1000, "\"v\"", std::nullopt};
}

FileFinished finished(std::uint32_t file = 0) { return {job, FileIndex{file}, 0, {1, 2}, 1000, std::nullopt, false}; }

/// A job of three files of 1000 bytes.
File small_job() {
  File file;
  file.add(JobCreated{job, {}, false, noon}).add(files(3));
  return file;
}

/// Dice make transferred jobs of half-fetched files, which a queue does not have; replay does not leave them so.
void mend(std::vector<JobRecord>& jobs) {
  for (JobRecord& record : jobs) {
    if (record.state != JobState::transferred || (record.committing && !is_void_commit(record))) continue;
    const bool lost = std::any_of(record.files.begin(), record.files.end(), [](const bgxfer::detail::FileRecord& file) {
      return file.stage == bgxfer::detail::FileStage::started;
    });
    if (!lost) continue;
    apply(record, JobMoved{record.id, JobState::queued, std::nullopt, record.error_count, record.times.modified});
  }
}

}  // namespace

TEST_CASE("an empty file is an empty journal") {
  const Replayed result = replay({}, "boot-1");
  CHECK_FALSE(result.refused);
  CHECK(result.jobs.empty());
  CHECK_FALSE(result.torn);
  CHECK_FALSE(result.damaged);
}

TEST_CASE("whatever happened to the jobs, the journal makes them again") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    RandomChanges random(seed);
    File file;
    for (int i = 0; i < 150; ++i) file.add(random.next());
    const Replayed result = file.replay();
    CHECK_FALSE(result.torn);
    CHECK_FALSE(result.damaged);
    CHECK(result.report.jobs_restored == random.jobs.size());
    mend(random.jobs);
    CHECK(show(result.jobs) == show(random.jobs));
  }
}

TEST_CASE("the changes that describe a record make it again") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    RandomChanges random(seed);
    for (int i = 0; i < 150; ++i) random.next();
    File file;
    for (const JobRecord& record : random.jobs) {
      describe(record, [&](const Change& change) { file.add(change); });
    }
    mend(random.jobs);
    CHECK(show(file.replay().jobs) == show(random.jobs));
  }
}

TEST_CASE("every beginning of a journal gives the jobs of the changes that are whole in it") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    File file;
    std::vector<std::string> after;       // What the jobs are behind each of `file.ends`, ...
    std::vector<std::string> after_torn;  // ... and what is believed of them if more had been said.
    RandomChanges random(seed);
    random.transferred_too = false;
    const auto note = [&] {
      after.push_back(show(random.jobs));
      after_torn.push_back(show_durable(random.jobs));
    };
    note();
    for (int i = 0; i < 25; ++i) {
      file.add(random.next());
      note();
    }
    std::size_t whole = 0;
    for (std::size_t size = header_bytes; size <= file.bytes.size(); ++size) {
      CAPTURE(size);
      while (whole < file.ends.size() && file.ends[whole] <= size) ++whole;
      const Bytes cut(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const Replayed result = replay(cut, "boot-1");
      const std::vector<std::string>& believed = result.torn ? after_torn : after;
      REQUIRE(show(result.jobs) == (whole == 0 ? std::string() : believed[whole - 1]));
      const std::size_t end = whole == 0 ? header_bytes : file.ends[whole - 1];
      REQUIRE(result.torn == (size != end));
      REQUIRE(result.report.torn_bytes == size - end);
      REQUIRE_FALSE(result.damaged);
    }
  }
}

TEST_CASE("every flipped bit is noticed, and makes nothing up") {
  File file = small_job();
  file.add(JobMoved{job, JobState::queued, std::nullopt, 0, noon});
  file.snapshot_ends_here();
  file.add(started())
      .add(progressed(true, 0, 500))
      .add(progressed(false, 500, 100))
      .add(finished(1))
      .add(FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}});
  const Replayed whole = file.replay();
  REQUIRE_FALSE(whole.damaged);
  for (std::size_t bit = 0; bit < file.bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = file.bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    const Replayed result = replay(flipped, "boot-1");
    REQUIRE_FALSE(result.refused);
    REQUIRE((result.torn || result.damaged));
    if (bit / 8 < header_bytes) {
      REQUIRE(result.jobs.size() == 1);
      REQUIRE(result.jobs[0].files.size() == 3);
    }
    for (const JobRecord& record : result.jobs) {
      REQUIRE(record.id == job);
      REQUIRE(record.files.size() <= 3);
      REQUIRE(record.totals == count_totals(record));
      for (std::size_t i = 0; i < record.files.size(); ++i) {
        const FileRecord& was = whole.jobs[0].files[i];
        REQUIRE(record.files[i].url == was.url);
        REQUIRE(record.files[i].target == was.target);
        REQUIRE(record.files[i].bytes() <= was.bytes());
      }
    }
  }
}

TEST_CASE("bytes that were not synced are fetched again once the machine has been down") {
  File file = small_job();
  file.add(started()).add(progressed(true, 0, 300)).add(progressed(false, 300, 200)).add(started(1)).add(finished(1));
  CHECK(file.replay("boot-1").jobs[0].files[0].bytes() == 500);
  CHECK(file.replay("boot-1").report.lost.empty());

  const Replayed result = file.replay("boot-2");
  CHECK(result.jobs[0].files[0].bytes() == 300);
  CHECK(result.jobs[0].files[1].stage == FileStage::started);
  CHECK(result.jobs[0].files[1].bytes() == 0);
  CHECK(result.jobs[0].totals == count_totals(result.jobs[0]));
  REQUIRE(result.report.lost.size() == 2);
  CHECK(result.report.lost[0].job == job);
  CHECK(result.report.lost[0].file == FileIndex{0});
  CHECK(result.report.lost[0].bytes == 200);
  CHECK(result.report.lost[0].why == "the machine went down before these bytes were synced");
  CHECK(result.report.lost[1].bytes == 1000);
  CHECK(result.report.bytes_to_fetch_again == 1200);

  file.add(FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}});
  CHECK(file.replay("boot-2").report.bytes_to_fetch_again == 200);
}

TEST_CASE("what was being synced when the last run ended is reported, for the next run to forget") {
  File file;
  file.add(JobCreated{job, {}, false, noon}).add(files(3)).add(started(0)).add(progressed(true, 0, 300));
  file.add(progressed(false, 300, 200));
  CHECK(file.replay().report.lost.empty());
  file.add(SyncBegun{job, {{0, 1}}}).add(progressed(false, 500, 10));
  const Replayed begun = file.replay();
  REQUIRE(begun.report.lost.size() == 1);
  CHECK(begun.report.bytes_to_fetch_again == 210);
  CHECK(begun.report.lost[0].why == "the last run ended while these bytes were being synced");
  CHECK(begun.jobs[0].files[0].facts->syncs == 1);
  CHECK(begun.jobs[0].files[0].bytes() == 510);

  const Replayed down = file.replay("boot-2");
  CHECK(down.report.bytes_to_fetch_again == 210);
  CHECK(down.report.lost[0].why == "the machine went down before these bytes were synced");
  CHECK(down.jobs[0].files[0].facts->syncs == 0);

  file.add(progressed(true, 300, 200)).add(SyncEnded{job, {{0, 1}}});
  CHECK(file.replay().report.lost.empty());
  CHECK(file.replay().jobs[0].files[0].bytes() == 510);

  // A failed sync of the journal may have taken one that said more.
  file.bytes.resize(file.bytes.size() - 8);
  const Replayed torn = file.replay();
  CHECK(torn.torn);
  CHECK(torn.jobs[0].files[0].bytes() == 500);
  CHECK(torn.jobs[0].files[0].facts->syncs == 0);
  REQUIRE(torn.report.lost.size() == 1);
  CHECK(torn.report.lost[0].why == "what the journal said of these bytes is lost");
}

TEST_CASE("what an earlier run lost is not lost again") {
  File file = small_job();
  file.add(started()).add(progressed(false, 0, 300));
  file.session("boot-2");
  file.add(progressed(false, 100, 50));
  const Replayed same = file.replay("boot-2");
  CHECK(same.jobs[0].files[0].bytes() == 50);
  CHECK(same.report.lost.empty());
  CHECK(same.epoch == "boot-2");
  CHECK(file.replay("boot-3").report.bytes_to_fetch_again == 50);
  // An epoch does not come back: what its name survives was forgotten in between.
  CHECK(file.replay("boot-1").jobs[0].files[0].bytes() == 0);
}

TEST_CASE("after damage unfinished files are fetched again, and the report says so") {
  File file = small_job();
  file.add(started())
      .add(progressed(true, 0, 500))
      .add(finished(1))
      .add(FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}});
  const std::size_t victim = file.bytes.size();
  file.add(FileRestarted{job, FileIndex{1}, 1});  // This record will be destroyed.
  file.add(progressed(true, 100, 50)).synced();
  file.bytes[victim + 3] ^= std::byte{1};
  const Replayed result = file.replay();
  CHECK(result.damaged);
  CHECK_FALSE(result.torn);
  CHECK(result.report.records_lost == 1);
  CHECK(result.jobs[0].files[0].bytes() == 50);
  CHECK(result.jobs[0].files[1].stage == FileStage::started);
  CHECK(result.jobs[0].files[1].bytes() == 0);
  CHECK(result.jobs[0].totals == count_totals(result.jobs[0]));
  CHECK(result.report.bytes_to_fetch_again == 450 + 1000);
}

TEST_CASE("a gap in what was not durable is a torn tail, and damage if something behind it knows better") {
  File file = small_job();
  file.add(started()).add(progressed(true, 0, 500));
  const std::size_t victim = file.bytes.size();
  file.add(progressed(true, 500, 100)).add(progressed(true, 600, 100));
  File earlier = file;
  encode(Synced{earlier.writer.next_seq() - 3}, earlier.writer, earlier.bytes);
  File later = file;
  encode(Synced{later.writer.next_seq() - 2}, later.writer, later.bytes);
  File next_run = file;
  next_run.session("boot-1");
  for (File* each : {&file, &earlier, &later, &next_run}) each->bytes[victim + 5] ^= std::byte{1};

  for (const char* epoch : {"boot-1", "boot-2"}) {
    for (const File* each : {&file, &earlier}) {
      const Replayed cut = each->replay(epoch);
      CHECK(cut.torn);
      CHECK_FALSE(cut.damaged);
      CHECK(cut.report.torn_bytes == each->bytes.size() - victim);
      CHECK(cut.jobs[0].files[0].bytes() == 500);
    }
    CHECK(later.replay(epoch).damaged);
    CHECK(next_run.replay(epoch).damaged);
  }
  // Of a snapshot everything was durable.
  file.snapshot_ends_here();
  CHECK(file.replay().damaged);
}

TEST_CASE("after damage files are not added to a job whose list may have a hole") {
  File file = small_job();
  const std::size_t victim = file.bytes.size();
  file.add(files(2));
  const JobId other = JobId::from_random(5, 6);
  file.add(JobCreated{other, {}, false, noon});
  FilesAdded more = files(4);
  file.add(more);
  more.job = other;
  file.add(more).synced();
  file.bytes[victim + 30] ^= std::byte{1};
  const Replayed result = file.replay();
  REQUIRE(result.jobs.size() == 2);
  CHECK(result.jobs[0].files.size() == 3);
  CHECK(result.jobs[1].files.size() == 4);
  CHECK(result.report.records_lost == 2);
}

TEST_CASE("after damage a commit under way is carried on, and a transferred job is not taken for done") {
  for (bool committing : {false, true}) {
    CAPTURE(committing);
    File file = small_job();
    for (std::uint32_t i = 0; i < 3; ++i) file.add(finished(i));
    file.add(FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}})
        .add(JobMoved{job, JobState::transferred, std::nullopt, 0, noon});
    if (committing) file.add(CommitStarted{job, noon});
    const std::size_t victim = file.bytes.size();
    file.add(NoticeDelivered{job}).add(NoticeDelivered{job}).synced();
    file.bytes[victim] ^= std::byte{1};
    const Replayed result = file.replay();
    CHECK(result.damaged);
    CHECK(result.jobs[0].state == (committing ? JobState::transferred : JobState::queued));
    CHECK(result.jobs[0].totals.files_finished == (committing ? 3 : 0));
  }
}

TEST_CASE("after damage a commit that is void is not believed to have had whole files") {
  File file = small_job();
  for (std::uint32_t i = 0; i < 3; ++i) file.add(finished(i));
  file.add(FilesSynced{job, {bgxfer::ByteRange{0, 1}}})
      .add(JobMoved{job, JobState::transferred, std::nullopt, 0, noon})
      .add(CommitStarted{job, noon})
      .add(FileRestarted{job, FileIndex{1}, 1});
  const std::size_t victim = file.bytes.size();
  file.add(NoticeDelivered{job}).add(NoticeDelivered{job}).synced();
  REQUIRE(is_void_commit(file.replay().jobs[0]));
  CHECK(file.replay().jobs[0].totals.bytes_transferred == 2000);
  file.bytes[victim] ^= std::byte{1};
  const Replayed result = file.replay();
  CHECK(result.damaged);
  CHECK(result.jobs[0].totals.bytes_transferred == 0);
  CHECK(result.report.bytes_to_fetch_again == 2000);
}

TEST_CASE("a commit is not carried on after a power cut that cost it a file, now and in every later run") {
  for (bool synced : {false, true}) {
    CAPTURE(synced);
    File file = small_job();
    for (std::uint32_t i = 0; i < 3; ++i) file.add(finished(i));
    file.add(JobMoved{job, JobState::transferred, std::nullopt, 0, noon}).add(CommitStarted{job, noon});
    if (synced) file.add(FilesSynced{job, {bgxfer::ByteRange{0, 3}}});
    const Replayed same_run = file.replay();
    CHECK(same_run.jobs[0].committing);
    CHECK_FALSE(is_void_commit(same_run.jobs[0]));
    for (bool once_more : {false, true}) {
      CAPTURE(once_more);
      if (once_more) file.session("boot-2");
      const Replayed result = file.replay("boot-2");
      CHECK(is_void_commit(result.jobs[0]) == !synced);
      CHECK(result.jobs[0].state == (synced ? JobState::transferred : JobState::queued));
      CHECK(result.jobs[0].totals.files_finished == (synced ? 3 : 0));
    }
    // And the next one is a commit like any other.
    for (std::uint32_t i = 0; i < 3; ++i) file.add(finished(i));
    file.add(FilesSynced{job, {bgxfer::ByteRange{0, 3}}})
        .add(JobMoved{job, JobState::transferred, std::nullopt, 0, noon})
        .add(CommitStarted{job, noon});
    CHECK_FALSE(is_void_commit(file.replay("boot-2").jobs[0]));
  }
}

TEST_CASE("a snapshot that is not whole is damage, however it ends") {
  File file = small_job();
  file.add(started()).add(progressed(true, 0, 500));
  file.snapshot_ends_here();
  for (std::size_t size = header_bytes; size < file.bytes.size(); ++size) {
    CAPTURE(size);
    const Replayed result = replay(std::span(file.bytes).first(size), "boot-1");
    CHECK(result.damaged);
    CHECK(result.report.records_lost > 0);
    CHECK((result.jobs.empty() || result.jobs[0].totals.bytes_transferred == 0));
  }
  CHECK_FALSE(file.replay().damaged);
}

TEST_CASE("a change of several records is carried out as a whole or not at all") {
  FilesAdded many{job, {}, noon};
  for (int i = 0; i < 2500; ++i) {
    bgxfer::FileSpec spec;
    spec.url = "https://cdn.example/" + std::string(900, 'u');
    spec.target = "/games/" + std::to_string(i);
    many.files.push_back(std::move(spec));
  }
  File file = small_job();
  const std::size_t before = file.bytes.size();
  file.add(many);
  CHECK(file.replay().jobs[0].files.size() == 2503);
  const Replayed cut = replay(std::span(file.bytes).first(file.bytes.size() - 1), "boot-1");
  CHECK(cut.jobs[0].files.size() == 3);
  CHECK(cut.torn);
  CHECK_FALSE(cut.damaged);
  CHECK(cut.report.torn_bytes == file.bytes.size() - 1 - before);

  // A first part that nothing follows, and then something else: nobody writes that.
  FrameReader reader(file.bytes, before, file.header.file_id, 4);
  const std::optional<Frame> part = reader.next();
  REQUIRE(part);
  File odd = small_job();
  odd.writer.append(odd.bytes, part->type, part->flags, part->payload);
  odd.add(FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}}).add(files(1));
  const Replayed result = odd.replay();
  CHECK(result.damaged);
  CHECK(result.jobs[0].files.size() == 3);
}

TEST_CASE("a damaged header costs nothing if the first record is whole") {
  File file = small_job();
  file.add(started()).add(progressed(true, 0, 500));
  file.snapshot_ends_here();
  for (std::size_t at : {0, 7, 8, 9, 12, 16, 31, 40, 47, 48, 60}) {
    CAPTURE(at);
    Bytes bytes = file.bytes;
    bytes[at] ^= std::byte{0x55};
    const Replayed result = replay(bytes, "boot-1");
    CHECK(result.damaged);
    REQUIRE(result.jobs.size() == 1);
    CHECK(result.jobs[0].files.size() == 3);
  }
}

TEST_CASE("foreign and newer journals are refused") {
  CHECK(replay(Bytes(100, std::byte{'x'}), "").refused->code() == Errc::journal_foreign);
  CHECK(replay(Bytes(5, std::byte{'x'}), "").refused->code() == Errc::journal_foreign);
  File file = small_job();
  file.header.major = journal_major + 1;
  put_header(file.bytes, file.header);
  CHECK(file.replay().refused->code() == Errc::journal_newer);
  File later = small_job();
  later.writer.append(later.bytes, 999, record_optional, {});
  CHECK(later.replay().jobs.size() == 1);
  later.writer.append(later.bytes, 999, 0, {});
  CHECK(later.replay().refused->code() == Errc::journal_newer);
  CHECK(later.replay().jobs.empty());
}

TEST_CASE("changes of jobs and files that do not exist are ignored, and so is a second creation") {
  File file = small_job();
  const JobId other = JobId::from_random(5, 6);
  bgxfer::JobOptions options;
  options.display_name = "second";
  file.add(JobMoved{other, JobState::error, std::nullopt, 1, noon}).add(JobRemoved{other});
  file.add(JobCreated{job, options, false, noon}).add(finished(3));
  const Replayed result = file.replay();
  CHECK_FALSE(result.damaged);
  REQUIRE(result.jobs.size() == 1);
  CHECK(result.jobs[0].options.display_name.empty());
  CHECK(result.jobs[0].totals.files_finished == 0);
  file.add(JobRemoved{job});
  CHECK(file.replay().jobs.empty());
  file.add(JobCreated{job, options, false, noon});
  CHECK(file.replay().jobs[0].options.display_name == "second");
}

TEST_CASE("a valid checksum around nonsense is damage") {
  File file = small_job();
  file.writer.append(file.bytes, static_cast<std::uint16_t>(RecordType::job_moved), 0, {});
  file.add(JobMoved{job, JobState::queued, std::nullopt, 0, noon});
  const Replayed result = file.replay();
  CHECK(result.damaged);
  CHECK(result.report.records_lost == 1);
  CHECK(result.jobs[0].state == JobState::queued);
}

TEST_CASE("a journal full of holes is given up, not searched for ever") {
  File file = small_job();
  for (int i = 0; i < 1000; ++i)
    file.writer.append(file.bytes, static_cast<std::uint16_t>(RecordType::job_moved), 0, {});
  const Replayed result = file.replay();
  CHECK(result.damaged);
  CHECK(result.report.records_lost < 100);
  CHECK(result.jobs.size() == 1);
}

TEST_CASE("the jobs of the worked example are those of the model") {
  const auto example = bgxfer_tests::journal_example();
  File file("boot-1", 0xa0);
  RandomChanges model(0);
  for (const auto* changes : {&example.snapshot, &example.appended}) {
    for (const Change& change : *changes) {
      file.add(change);
      model.carry_out(change);
    }
  }
  CHECK(show(file.replay().jobs) == show(model.jobs));
}
