#include "journal/journal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <bgxfer/memory/memory_storage.hpp>
#include <bgxfer/testing/faulty_storage.hpp>

#include "support/random_changes.hpp"
#include "support/records.hpp"
#include "support/sanitized.hpp"
#include "support/test_log.hpp"

using namespace bgxfer::detail;
using bgxfer::Errc;
using bgxfer::FileIndex;
using bgxfer::JobId;
using bgxfer::JobState;
using bgxfer::Result;
using bgxfer_tests::RandomChanges;
using bgxfer_tests::run;
using bgxfer_tests::show;
using bgxfer_tests::show_durable;
using bgxfer_tests::TestDisk;
using bgxfer_tests::TestLog;

namespace {

const WallTime noon{std::chrono::seconds{1'704'110'400}};

/// A journal on a disk, with the model beside it.
class Desk {
 public:
  explicit Desk(TestDisk& disk, std::string epoch = "boot-1", std::size_t limit = 1024 * 1024)
      : journal(std::make_unique<TestLog>(disk), JournalSetup{std::move(epoch), [] { return ids_.bits(); }, limit}) {}

  /// Opens and, where that is needed, rewrites.
  Restored open() {
    Result<Restored> restored = run(journal.replay());
    REQUIRE(restored);
    if (restored->rewrite_needed) CHECK(rewrite(restored->jobs));
    return *std::move(restored);
  }

  Result<void> rewrite(const std::vector<JobRecord>& jobs) {
    begin_and_end(jobs);
    return run(journal.finish_rewrite());
  }

  void begin_and_end(const std::vector<JobRecord>& jobs) {
    journal.begin_rewrite(noon);
    for (const JobRecord& job : jobs) {
      describe(job, [&](const Change& change) { journal.snapshot(change); });
    }
    journal.end_snapshot();
  }

  /// Everything that was added becomes durable.
  void save() {
    CHECK(run(journal.write()));
    CHECK(run(journal.sync()));
  }

  Journal journal;

 private:
  static inline bgxfer_tests::Dice ids_{99};
};

std::string reopened(TestDisk disk, std::string epoch = "boot-1") {
  Desk desk(disk, std::move(epoch));
  return show(desk.open().jobs);
}

JobCreated created(std::uint64_t number) { return {JobId::from_random(number, number), {}, false, noon}; }

/// A run that has written one job, and dies before it has synced it.
void write_and_die(TestDisk& disk) {
  Desk desk(disk);
  desk.open();
  desk.journal.add(created(1));
  CHECK(run(desk.journal.write()));
}

/// Without jobs that are transferred although a file of theirs is not: a queue has none, and replay would mend them.
RandomChanges lawful(std::uint64_t seed, bool with_strays = true) {
  RandomChanges random(seed, with_strays);
  random.transferred_too = false;
  return random;
}

/// What the jobs were after each change, and what they would be after each change and a power cut.
struct Past {
  std::vector<std::string> as_is;
  std::vector<std::string> after_power_cut;  ///< Or where the end of the journal is lost.

  void add(const std::vector<JobRecord>& jobs) {
    as_is.push_back(show(jobs));
    after_power_cut.push_back(show_durable(jobs));
  }
};

/// A run of a queue on a disk that may fail, until it is ended from outside or has done enough.
class Life {
 public:
  Life(bgxfer::testing::FaultyStorage& disk, RandomChanges& random, Past& states)
      : disk_(disk), random_(random), states_(states) {}

  asio::awaitable<void> run(bgxfer::testing::FaultRates rates) {
    auto log = co_await disk_.open_log("/queue.journal");
    sound = sound && log.has_value();
    if (!log) co_return;
    JournalSetup setup{disk_.epoch(), [this] { return random_.dice().bits(); }, 4000};
    journal_ = std::make_unique<Journal>(*std::move(log), std::move(setup));
    Result<Restored> restored = co_await journal_->replay();
    sound = sound && restored && show(restored->jobs) == show(random_.jobs);
    if (!restored) co_return;
    read_ = journal_->added();
    end_void_commits();
    disk_.set_rates(rates);
    bool rewrite = restored->rewrite_needed;
    for (int round = 0; round < 12; ++round) {
      if (rewrite || journal_->failed() || journal_->compaction_due()) {
        journal_->begin_rewrite(noon);
        for (const JobRecord& job : random_.jobs) {
          describe(job, [&](const Change& change) { journal_->snapshot(change); });
        }
        journal_->end_snapshot();
        const Result<void> rewritten = co_await journal_->finish_rewrite();
        rewrite = !rewritten;
      }
      for (std::uint64_t i = random_.dice().below(12); i > 0; --i) change();
      end_void_commits();
      const Result<void> written = co_await journal_->write();
      const bool sync = written.has_value() && random_.dice().one_in(2);
      if (!sync) continue;
      const Result<void> synced = co_await journal_->sync();
      if (!synced) continue;
    }
  }

  /// How many changes of this run are durable; empty while what it has read is not.
  [[nodiscard]] std::optional<std::uint64_t> durable() const {
    const std::uint64_t all = journal_ ? journal_->durable() : 0;
    return all > 0 ? std::optional(all - read_) : std::nullopt;
  }

  bool sound = true;  ///< The journal could be opened, and held what was expected.

 private:
  void change() {
    journal_->add(random_.next());
    states_.add(random_.jobs);
  }

  /// Before a rewrite, as a snapshot ends them, and a second loss would change the error of those that go on.
  void end_void_commits() {
    while (random_.owes_end_of_commit()) change();
  }

  bgxfer::testing::FaultyStorage& disk_;
  RandomChanges& random_;
  Past& states_;
  std::unique_ptr<Journal> journal_;
  std::uint64_t read_ = 0;
};

/// What a run would find now. Leaves the log as it is.
asio::awaitable<void> look(bgxfer::testing::FaultyStorage& disk, Restored& into) {
  auto log = co_await disk.open_log("/queue.journal");
  if (!log) co_return;
  Journal journal(*std::move(log), JournalSetup{disk.epoch(), [] { return std::uint64_t{1}; }, 4000});
  Result<Restored> restored = co_await journal.replay();
  if (restored) into = *std::move(restored);
}

}  // namespace

TEST_CASE("a new journal is rewritten first, and then remembers") {
  TestDisk disk;
  {
    Desk desk(disk);
    const Result<Restored> restored = run(desk.journal.replay());
    REQUIRE(restored);
    CHECK(restored->rewrite_needed);
    CHECK(desk.journal.failed());
    CHECK(run(desk.journal.write()).error().code() == Errc::journal_failed);
    CHECK(run(desk.journal.sync()).error().code() == Errc::journal_failed);
    CHECK(desk.rewrite({}));
    CHECK_FALSE(desk.journal.failed());
    desk.journal.add(created(1));
    CHECK(desk.journal.added() == 1);
    CHECK(run(desk.journal.write()));
    CHECK(desk.journal.durable() == 0);
    CHECK(run(desk.journal.sync()));
    CHECK(desk.journal.durable() == 1);
  }
  Desk again(disk);
  const Result<Restored> restored = run(again.journal.replay());
  REQUIRE(restored);
  CHECK_FALSE(restored->rewrite_needed);
  CHECK(restored->report.jobs_restored == 1);
  REQUIRE(restored->jobs.size() == 1);
  CHECK(restored->jobs[0].id == created(1).job);
}

TEST_CASE("whatever is added, in whatever portions it is written, comes back") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    TestDisk disk;
    RandomChanges random = lawful(seed);
    {
      Desk desk(disk, "boot-1", 2000);
      desk.open();
      for (int i = 0; i < 200; ++i) {
        desk.journal.add(random.next());
        if (random.dice().one_in(5)) CHECK(run(desk.journal.write()));
        if (random.dice().one_in(9)) CHECK(run(desk.journal.sync()));
        if (desk.journal.compaction_due()) CHECK(desk.rewrite(random.jobs));
      }
      CHECK(run(desk.journal.write()));
      CHECK(desk.journal.size() == disk.seen.size());
    }
    CHECK(reopened(disk) == show(random.jobs));
  }
}

TEST_CASE("what was added while a rewrite was on its way comes behind it") {
  TestDisk disk;
  RandomChanges random = lawful(1);
  Desk desk(disk);
  desk.open();
  for (int i = 0; i < 20; ++i) desk.journal.add(random.next());
  desk.begin_and_end(random.jobs);
  const std::uint64_t in_snapshot = desk.journal.added();
  for (int i = 0; i < 20; ++i) desk.journal.add(random.next());
  CHECK(run(desk.journal.write()).error().code() == Errc::journal_failed);
  CHECK(run(desk.journal.finish_rewrite()));
  CHECK(desk.journal.durable() == in_snapshot);
  desk.save();
  CHECK(desk.journal.durable() == desk.journal.added());
  CHECK(reopened(disk) == show(random.jobs));
}

TEST_CASE("a torn tail is never appended to") {
  TestDisk disk;
  {
    Desk desk(disk);
    desk.open();
    desk.journal.add(created(1));
    desk.journal.add(created(2));
    CHECK(run(desk.journal.write()));
  }
  disk.seen.pop_back();
  Desk desk(disk);
  const Result<Restored> restored = run(desk.journal.replay());
  REQUIRE(restored);
  CHECK(restored->rewrite_needed);
  CHECK(restored->report.torn_bytes > 0);
  CHECK(restored->report.damaged_copy.empty());
  CHECK(restored->jobs.size() == 1);
  desk.journal.add(created(3));
  CHECK_FALSE(run(desk.journal.write()));
  CHECK(disk.appends == 1);
  CHECK(disk.copies.empty());
}

TEST_CASE("a damaged journal is kept before it is replaced") {
  TestDisk disk;
  {
    Desk desk(disk);
    desk.open();
    for (std::uint64_t number : {1, 2, 3}) {
      desk.journal.add(created(number));
      desk.save();
    }
  }
  disk.seen[disk.seen.size() / 2] ^= std::byte{1};
  const std::vector<std::byte> damaged = disk.seen;
  {
    TestDisk full = disk;
    full.fail_from = 0;
    full.fail_count = 1;
    full.calls = 0;
    Desk desk(full);
    CHECK_FALSE(run(desk.journal.replay()));
    CHECK(full.seen == damaged);
  }
  Desk desk(disk);
  const Restored restored = desk.open();
  CHECK(restored.report.records_lost > 0);
  CHECK(restored.report.damaged_copy == "/journal.damaged-1");
  REQUIRE(disk.copies.size() == 1);
  CHECK(disk.copies[0] == damaged);
  CHECK(disk.seen != damaged);
}

TEST_CASE("a file that is no journal, or a later one, is left alone") {
  for (char first : {'x', 'B'}) {
    TestDisk disk;
    disk.seen.assign(100, static_cast<std::byte>(first));
    Desk desk(disk);
    const Result<Restored> restored = run(desk.journal.replay());
    REQUIRE_FALSE(restored);
    CHECK(restored.error().code() == Errc::journal_foreign);
    CHECK(disk.calls == 0);
    CHECK_FALSE(run(desk.journal.write()));
  }
}

TEST_CASE("after any error only a rewrite follows, and nothing that was durable is lost") {
  for (bool fail_sync : {false, true}) {
    CAPTURE(fail_sync);
    TestDisk disk;
    Desk desk(disk);
    desk.open();
    RandomChanges random = lawful(4);
    for (int i = 0; i < 10; ++i) desk.journal.add(random.next());
    desk.save();
    const std::string durable = show(random.jobs);
    const std::uint64_t durable_count = desk.journal.durable();
    desk.journal.add(random.next());
    disk.fail_from = disk.calls + (fail_sync ? 1 : 0);
    disk.fail_count = 3;
    Result<void> written = run(desk.journal.write());
    if (fail_sync) {
      CHECK(written);
      written = run(desk.journal.sync());
    }
    REQUIRE_FALSE(written);
    CHECK(written.error().code() == std::errc::io_error);
    CHECK(desk.journal.failed());
    const int calls = disk.calls;
    CHECK(run(desk.journal.write()).error().code() == Errc::journal_failed);
    CHECK(run(desk.journal.sync()).error().code() == Errc::journal_failed);
    CHECK(run(desk.journal.finish_rewrite()).error().code() == Errc::journal_failed);
    CHECK(disk.calls == calls);
    desk.journal.add(random.next());
    CHECK(desk.journal.durable() == durable_count);

    // Two rewrites fail as well, and the third succeeds.
    CHECK_FALSE(desk.rewrite(random.jobs));
    CHECK(desk.journal.failed());
    desk.journal.add(random.next());
    CHECK_FALSE(desk.rewrite(random.jobs));
    TestDisk cut;
    cut.seen = disk.durable;
    CHECK(reopened(cut) == durable);
    CHECK(desk.rewrite(random.jobs));
    CHECK(desk.journal.durable() == desk.journal.added());
    desk.journal.add(random.next());
    CHECK(run(desk.journal.write()));
    CHECK(reopened(disk) == show(random.jobs));
  }
}

TEST_CASE("wherever a call fails, the journal says what is durable, and a power cut leaves at least that") {
  for (int fail_from = 0; fail_from < 60; ++fail_from) {
    CAPTURE(fail_from);
    TestDisk disk;
    Desk desk(disk, "boot-1", 3000);
    REQUIRE(run(desk.journal.replay()));
    RandomChanges random = lawful(static_cast<std::uint64_t>(fail_from) + 1, false);
    std::vector<std::string> states = {show(random.jobs)};
    bool rewrite = true;
    disk.fail_from = fail_from;
    disk.fail_count = 2;
    for (int round = 0; round < 40; ++round) {
      if (rewrite || desk.journal.failed() || desk.journal.compaction_due()) rewrite = !desk.rewrite(random.jobs);
      for (int i = 0; i < 4; ++i) {
        desk.journal.add(random.next());
        states.push_back(show(random.jobs));
      }
      (void)run(desk.journal.write());
      if (round % 2 == 0) (void)run(desk.journal.sync());
      TestDisk cut;
      cut.seen = disk.durable;
      const std::string left = reopened(cut);
      const std::uint64_t durable = desk.journal.durable();
      REQUIRE(durable < states.size());
      CHECK(left == states[durable]);
    }
  }
}

TEST_CASE("a power cut anywhere within what was not synced leaves a beginning of the changes") {
  TestDisk disk;
  Desk desk(disk);
  desk.open();
  RandomChanges random = lawful(8, false);
  std::vector<std::string> states = {show(random.jobs)};
  for (int i = 0; i < 30; ++i) {
    desk.journal.add(random.next());
    states.push_back(show(random.jobs));
    CHECK(run(desk.journal.write()));
    if (i == 9) CHECK(run(desk.journal.sync()));
  }
  std::size_t at_least = 10;
  for (std::size_t size = disk.durable.size(); size <= disk.seen.size(); ++size) {
    TestDisk cut;
    cut.seen.assign(disk.seen.begin(), disk.seen.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string left = reopened(cut);
    // Longer files never know less; a change that shows nothing may leave the same state.
    std::size_t state = at_least;
    while (state < states.size() && states[state] != left) ++state;
    REQUIRE(state < states.size());
    at_least = state;
  }
}

TEST_CASE("a power cut between sectors, in any order of writing, makes nothing up") {
  constexpr std::size_t sector = 512;
  bgxfer_tests::Dice dice(5);
  TestDisk disk;
  Desk desk(disk);
  desk.open();
  RandomChanges random = lawful(9, false);
  Past states;
  states.add(random.jobs);
  for (int i = 0; i < 60; ++i) {
    desk.journal.add(random.next());
    states.add(random.jobs);
    if (i == 19) {
      desk.save();
    }
  }
  CHECK(run(desk.journal.write()));
  for (int cut = 0; cut < 300; ++cut) {
    TestDisk left;
    left.seen = disk.seen;
    for (std::size_t at = disk.durable.size(); at < left.seen.size(); at = at / sector * sector + sector) {
      const std::size_t end = std::min(left.seen.size(), at / sector * sector + sector);
      if (dice.one_in(3))
        std::fill(left.seen.begin() + static_cast<std::ptrdiff_t>(at),
                  left.seen.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
    }
    Desk again(left);
    const Restored restored = again.open();
    CHECK(restored.report.records_lost == 0);
    const std::vector<std::string>& past = restored.report.torn_bytes > 0 ? states.after_power_cut : states.as_is;
    CHECK(std::find(past.begin() + 20, past.end(), show(restored.jobs)) != past.end());
  }
}

TEST_CASE("after any crash and any power cut of a bad disk the journal has what was promised, and nothing else") {
  using bgxfer::testing::FaultyStorage;
  const char* asked = std::getenv("BGXFER_TEST_SEEDS");
  const std::uint64_t seeds = asked ? std::strtoull(asked, nullptr, 10) : bgxfer::test::sanitized ? 20 : 60;
  std::uint64_t cuts = 0;
  std::uint64_t replays_of_torn = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    bgxfer::testing::Simulation world;
    FaultyStorage disk(world.clock(), seed);
    disk.on_power_cut([&] { world.stop(); });
    RandomChanges random = lawful(seed, false);
    Past states;
    states.add(random.jobs);
    std::size_t promised = 0;
    for (int life = 0; life < 6; ++life) {
      CAPTURE(life);
      bgxfer::testing::FaultRates rates;
      if (random.dice().one_in(2)) rates.write = rates.sync = rates.rename = 0.05;
      const std::size_t begun = states.as_is.size() - 1;
      Life now(disk, random, states);
      disk.cut_power_at(disk.operations() + 1 + random.dice().below(60));
      asio::co_spawn(world.executor(), now.run(rates), asio::detached);
      world.run();
      REQUIRE(now.sound);
      const bool was_cut = disk.powered_off();
      if (const std::optional<std::uint64_t> durable = now.durable()) promised = begun + *durable;
      if (was_cut) {
        ++cuts;
        disk.power_cut();
      } else {
        disk.process_crash();
      }
      world.kill();
      disk.heal();

      // What is there now must be a state of the past, not older than what was promised.
      Restored restored;
      asio::co_spawn(world.executor(), look(disk, restored), asio::detached);
      world.run();
      CHECK(restored.report.records_lost == 0);
      if (restored.report.torn_bytes > 0) ++replays_of_torn;
      const bool forgotten = was_cut || restored.report.torn_bytes > 0;
      const std::vector<std::string>& past = forgotten ? states.after_power_cut : states.as_is;
      const auto oldest = past.begin() + static_cast<std::ptrdiff_t>(promised);
      const auto found = std::find(oldest, past.end(), show(restored.jobs));
      REQUIRE(found != past.end());
      // The next life goes on from there. After a mere crash the past may still come back: it is not synced.
      const auto left = static_cast<std::size_t>(found - past.begin());
      random.jobs = std::move(restored.jobs);
      states.as_is.resize(left + 1);
      states.after_power_cut.resize(left + 1);
      if (forgotten) states.as_is[left] = states.after_power_cut[left];
      if (was_cut) {
        states = Past();
        states.add(random.jobs);
        promised = 0;
      }
    }
  }
  CHECK(cuts > seeds);
  CHECK(replays_of_torn > seeds / 4);
}

TEST_CASE("what was read is durable once the run that read it has synced, and not before") {
  TestDisk disk;
  write_and_die(disk);
  Desk desk(disk);
  desk.open();
  CHECK(desk.journal.added() == 1);
  CHECK(desk.journal.written() == 1);
  CHECK(desk.journal.durable() == 0);
  CHECK(run(desk.journal.sync()));
  CHECK(desk.journal.durable() == 1);

  TestDisk nothing;
  Desk fresh(nothing);
  fresh.open();
  CHECK(fresh.journal.added() == 0);
}

TEST_CASE("a run under another epoch says so before it says anything else") {
  TestDisk disk;
  const JobId job = created(1).job;
  {
    Desk desk(disk, "boot-1");
    desk.open();
    desk.journal.add(created(1));
    FilesAdded added{job, {}, noon};
    added.files.resize(1);
    added.files[0].url = "https://a/b";
    added.files[0].target = "/t";
    desk.journal.add(added);
    desk.journal.add(FileStarted{job, FileIndex{0}, 0, {}, 900, 900, "", std::nullopt});
    desk.journal.add(FileProgressed{job, FileIndex{0}, 0, false, {{0, 100}}});
    CHECK(run(desk.journal.write()));
  }
  {
    Desk desk(disk, "boot-2");
    const Restored restored = desk.open();
    CHECK(restored.report.bytes_to_fetch_again == 100);
    CHECK_FALSE(restored.rewrite_needed);
    desk.journal.add(FileProgressed{job, FileIndex{0}, 0, false, {{50, 10}}});
    CHECK(run(desk.journal.write()));
  }
  {
    Desk desk(disk, "boot-2");
    const Restored restored = desk.open();
    CHECK(restored.report.bytes_to_fetch_again == 0);
    CHECK(restored.jobs[0].totals.bytes_transferred == 10);
  }
  Desk desk(disk, "boot-3");
  CHECK(desk.open().report.bytes_to_fetch_again == 10);
}

TEST_CASE("what was read is synced by the first sync, because a crashed run may not have") {
  TestDisk disk;
  write_and_die(disk);
  Desk desk(disk);
  desk.open();
  CHECK(run(desk.journal.sync()));
  CHECK(disk.durable == disk.seen);
  CHECK(disk.syncs == 1);
  CHECK(run(desk.journal.sync()));
  CHECK(disk.syncs == 1);
}

TEST_CASE("what an earlier run could not sync is written once more, because no other sync would") {
  TestDisk disk;
  RandomChanges random = lawful(7);
  {
    Desk desk(disk);
    desk.open();
    for (int i = 0; i < 5; ++i) desk.journal.add(random.next());
    desk.save();
    desk.journal.add(random.next());
    CHECK(run(desk.journal.write()));
    disk.fail_from = disk.calls;
    disk.fail_count = 1;
    CHECK_FALSE(run(desk.journal.sync()));
  }
  Desk desk(disk);
  desk.open();
  CHECK(run(desk.journal.sync()));
  CHECK(disk.durable == disk.seen);
  desk.journal.add(random.next());
  desk.save();
  TestDisk cut;
  cut.seen = disk.durable;
  CHECK(reopened(cut) == show(random.jobs));
}

TEST_CASE("a journal that is mostly garbage is due for compaction, and shrinks") {
  TestDisk disk;
  Desk desk(disk, "boot-1", 10'000);
  desk.open();
  RandomChanges random = lawful(1);
  desk.journal.add(random.next());
  const JobId job = random.jobs[0].id;
  while (!desk.journal.compaction_due()) {
    const Change change = JobMoved{job, JobState::queued, std::nullopt, 0, noon};
    random.carry_out(change);
    desk.journal.add(change);
    CHECK(run(desk.journal.write()));
    REQUIRE(desk.journal.size() < 20'000);
  }
  CHECK(desk.journal.size() > 10'000);
  {
    Desk again(disk, "boot-1", 10'000);
    CHECK(run(again.journal.replay())->rewrite_needed);
  }
  CHECK(desk.rewrite(random.jobs));
  CHECK(desk.journal.size() < 1000);
  CHECK_FALSE(desk.journal.compaction_due());
  CHECK(desk.journal.figures().rewrites == 2);
  CHECK(desk.journal.figures().bytes_written > 10'000);
  CHECK(reopened(disk) == show(random.jobs));
}

TEST_CASE("a journal that only grows is not due for compaction, now or after a restart, until its jobs leave") {
  TestDisk disk;
  Desk desk(disk, "boot-1", 1'000);
  desk.open();
  while (desk.journal.size() < 20'000) {
    desk.journal.add(created(1));
    CHECK(run(desk.journal.write()));
    REQUIRE_FALSE(desk.journal.compaction_due());
  }
  {
    Desk again(disk, "boot-1", 1'000);
    CHECK_FALSE(run(again.journal.replay())->rewrite_needed);
  }
  desk.journal.add(JobRemoved{job_of(created(1))});
  CHECK(run(desk.journal.write()));
  CHECK(desk.journal.compaction_due());
  Desk again(disk, "boot-1", 1'000);
  CHECK(run(again.journal.replay())->rewrite_needed);
}

TEST_CASE("every rewrite has an id of its own, and numbers go on") {
  TestDisk disk;
  Desk desk(disk);
  desk.open();
  const HeaderReading first = read_header(disk.seen);
  desk.journal.add(created(1));
  CHECK(run(desk.journal.write()));
  CHECK(desk.rewrite({}));
  const HeaderReading second = read_header(disk.seen);
  CHECK(first.header.file_id != second.header.file_id);
  CHECK(second.header.base_seq == first.header.base_seq + 2);
  CHECK(second.header.created_ms == 1'704'110'400'000);
}

TEST_CASE("changes may be added from many threads while the journal is written") {
  TestDisk disk;
  Desk desk(disk);
  desk.open();
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&desk, t] {
      for (std::uint64_t i = 0; i < 500; ++i) desk.journal.add(created(t * 1000 + i));
    });
  }
  while (desk.journal.added() < 2000) CHECK(run(desk.journal.write()));
  for (std::thread& thread : threads) thread.join();
  CHECK(run(desk.journal.write()));
  Desk again(disk);
  CHECK(again.open().jobs.size() == 2000);
}

TEST_CASE("a journal lives in any storage") {
  bgxfer::memory::MemoryStorage storage;
  for (int life = 0; life < 3; ++life) {
    auto log = run(storage.open_log("/queue.journal"));
    REQUIRE(log);
    Journal journal(*std::move(log), JournalSetup{storage.epoch(), [] { return std::uint64_t{42}; }, 1024});
    const Result<Restored> restored = run(journal.replay());
    REQUIRE(restored);
    CHECK(restored->jobs.size() == static_cast<std::size_t>(life));
    CHECK(restored->rewrite_needed == (life == 0));
    if (restored->rewrite_needed) {
      journal.begin_rewrite(noon);
      journal.end_snapshot();
      CHECK(run(journal.finish_rewrite()));
    }
    journal.add(created(static_cast<std::uint64_t>(life) + 1));
    CHECK(run(journal.write()));
    CHECK(run(journal.sync()));
  }
}

TEST_CASE("a job of 100 000 files is written and read in no time") {
  using Clock = std::chrono::steady_clock;
  const auto milliseconds = [](Clock::time_point since) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
  };
  const char* asked = std::getenv("BGXFER_TEST_FILES");
  const int count = asked ? std::atoi(asked) : 100'000;
  const JobId job = created(1).job;
  FilesAdded added{job, {}, noon};
  for (int i = 0; i < count; ++i) {
    bgxfer::FileSpec spec;
    spec.url = "https://cdn.example.org/content/chunks/" + std::to_string(i) + ".bin";
    spec.target = "/home/user/games/some-game/data/" + std::to_string(i) + ".bin";
    added.files.push_back(std::move(spec));
  }
  TestDisk disk;
  RandomChanges model(0);
  Desk desk(disk);
  desk.open();
  const auto add = [&](const Change& change) {
    model.carry_out(change);
    desk.journal.add(change);
  };
  Clock::time_point start = Clock::now();
  add(created(1));
  add(added);
  CHECK(run(desk.journal.write()));
  const auto write_ms = milliseconds(start);
  const std::size_t queued_bytes = disk.seen.size();
  start = Clock::now();
  {
    Desk again(disk, "boot-1", std::size_t{1} << 40);
    CHECK(again.open().jobs.at(0).files.size() == static_cast<std::size_t>(count));
  }
  const auto read_ms = milliseconds(start);
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
    add(FileFinished{job, FileIndex{i}, 0, {2049, 1'000'000 + i}, 4096, noon, false});
    if (i % 1000 == 999) add(FilesSynced{job, {bgxfer::ByteRange{i - 999, 1000}}});
  }
  CHECK(run(desk.journal.write()));
  const std::size_t finished_bytes = disk.seen.size();
  start = Clock::now();
  {
    Desk again(disk, "boot-1", std::size_t{1} << 40);
    CHECK(again.open().jobs.at(0).totals == model.jobs[0].totals);
  }
  const auto finished_ms = milliseconds(start);
  start = Clock::now();
  CHECK(desk.rewrite(model.jobs));
  const auto rewrite_ms = milliseconds(start);
  std::cout << count << " files: encoded and written in " << write_ms << " ms (" << queued_bytes << " bytes), read in "
            << read_ms << " ms; all finished: " << finished_bytes << " bytes, read in " << finished_ms
            << " ms; rewritten in " << rewrite_ms << " ms (" << disk.seen.size() << " bytes)\n";
}
