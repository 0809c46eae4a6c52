#include <bgxfer/testing/faulty_storage.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "contract/storage_contract.hpp"

using namespace std::chrono_literals;
using namespace storage_contract_support;
using bgxfer::Clock;
using bgxfer::CommitFile;
using bgxfer::CommitReport;
using bgxfer::FilePlace;
using bgxfer::LogFile;
using bgxfer::OpenPartial;
using bgxfer::PartialFile;
using bgxfer::Result;
using bgxfer::testing::FaultRates;
using bgxfer::testing::FaultyStorage;
using bgxfer::testing::Simulation;

namespace {

void faulty_rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

struct FaultyWorld {
  explicit FaultyWorld(std::uint64_t seed = 0) : simulation(seed), disk(simulation.clock(), seed) {
    disk.on_power_cut([this] { simulation.stop(); });
  }

  bgxfer::Storage& storage() { return disk; }
  std::filesystem::path folder() { return "/downloads"; }
  void run(asio::awaitable<void> work) {
    asio::co_spawn(simulation.executor(), std::move(work), faulty_rethrow);
    simulation.run();
  }
  void put(const std::filesystem::path& path, std::string_view text) { disk.put(path, text); }
  std::optional<std::string> contents(const std::filesystem::path& path) {
    const auto bytes = disk.contents(path);
    if (!bytes) return std::nullopt;
    return text_of(*bytes);
  }
  void restart() {
    disk.power_cut();
    simulation.kill();
  }

  Simulation simulation;
  FaultyStorage disk;
};

const FilePlace place("/downloads/file", ".file.part");

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

// A whole life: a file written, synced in the middle, committed, and a journal that tells of it.
asio::awaitable<Result<void>> whole_life(bgxfer::Storage& storage, std::string text, int& acknowledged) {
  auto opened_log = co_await storage.open_log("/downloads/journal");
  if (!opened_log) co_return opened_log.error();
  const std::unique_ptr<LogFile> log = *std::move(opened_log);
  auto read = co_await log->read_all();
  if (!read) co_return read.error();
  Result<void> done = co_await log->replace(bytes_of("begin "));
  if (!done) co_return done;

  OpenPartial request(place);
  auto opened = co_await storage.open(request);
  if (!opened) co_return opened.error();
  std::unique_ptr<PartialFile> file = *std::move(opened);
  done = co_await file->write(0, bytes_of(text).first(text.size() / 2));
  if (!done) co_return done;
  done = co_await file->sync();
  if (!done) co_return done;
  done = co_await file->write(text.size() / 2, bytes_of(text).subspan(text.size() / 2));
  if (!done) co_return done;
  done = co_await file->sync();
  if (!done) co_return done;
  done = co_await log->append(bytes_of("synced "));
  if (!done) co_return done;
  done = co_await log->sync();
  if (!done) co_return done;
  acknowledged = 1;

  std::vector<CommitFile> batch{CommitFile(place)};
  batch[0].identity = file->identity();
  file.reset();
  const CommitReport report = co_await storage.commit(batch);
  if (report.error) co_return *report.error;
  acknowledged = 2;
  done = co_await log->append(bytes_of("done "));
  if (!done) co_return done;
  done = co_await log->sync();
  if (done) acknowledged = 3;
  co_return done;
}

asio::awaitable<void> live(bgxfer::Storage& storage, std::string text, int& acknowledged, std::error_code& failure) {
  const Result<void> lived = co_await whole_life(storage, std::move(text), acknowledged);
  if (!lived) failure = lived.error().code();
}

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(storage_contract, FaultyWorld);

TEST_CASE("after a power cut anything unsynced may be gone, torn or there, sector by sector") {
  const std::string text = pattern(20 * 512);
  std::set<std::string> outcomes;
  int missing = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    FaultyWorld world(seed);
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of(text))));
    world.restart();
    const std::optional<std::string> left = world.contents(place.temporary());
    if (!left) {
      ++missing;
      continue;
    }
    CHECK(left->size() <= text.size());
    for (std::size_t i = 0; i < left->size(); ++i) REQUIRE(((*left)[i] == text[i] || (*left)[i] == '\0'));
    outcomes.insert(*left);
  }
  CHECK(missing > 20);
  CHECK(outcomes.size() > 20);
  CHECK(outcomes.contains(text));
  CHECK(outcomes.contains(std::string()));
}

TEST_CASE("what was synced survives every power cut") {
  const std::string text = pattern(3000);
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    FaultyWorld world(seed);
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of(text))));
    CHECK(await(world, file->sync()));
    CHECK(await(world, file->write(3000, bytes_of("more"))));
    world.restart();
    REQUIRE(world.contents(place.temporary()));
    CHECK(world.contents(place.temporary())->starts_with(text));
    const auto durable = world.disk.durable_contents(place.temporary());
    CHECK(text_of(*durable) == *world.contents(place.temporary()));
  }
}

TEST_CASE("a rename survives as a whole or not at all") {
  int renamed = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    FaultyWorld world(seed);
    world.put(place.target, "old");
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("new"))));
    CHECK(await(world, file->sync()));
    world.disk.cut_power_at(world.disk.operations() + 2);  // the sync of the folder
    const std::vector<CommitFile> batch{CommitFile(place)};
    std::optional<CommitReport> report;
    world.run(keep(world.disk.commit(batch), report));
    CHECK_FALSE(report);
    CHECK(world.disk.powered_off());
    world.restart();
    const bool is_new = world.contents(place.target) == "new";
    CHECK((is_new || world.contents(place.target) == "old"));
    CHECK(world.contents(place.temporary()).has_value() == !is_new);
    if (is_new) ++renamed;
  }
  CHECK(renamed > 10);
  CHECK(renamed < 90);
}

TEST_CASE("no operation returns after the power is gone, not even to a cancelled coroutine") {
  FaultyWorld world(5);
  auto file = open_new(world, place);
  world.disk.cut_power_at(world.disk.operations() + 1);
  std::optional<Result<void>> written;
  world.run(keep(file->write(0, bytes_of("abc")), written));
  CHECK_FALSE(written);
  std::optional<Result<std::uint64_t>> size;
  world.run(keep(file->size(), size));
  CHECK_FALSE(size);
  const std::uint64_t counted = world.disk.operations();
  world.restart();
  // The handle of the old life stays dead in the new one.
  world.run(keep(file->size(), size));
  CHECK_FALSE(size);
  CHECK(world.disk.operations() == counted);
}

TEST_CASE("a failed sync loses data for good, and the next one succeeds without it") {
  const std::string text = pattern(40 * 512);
  int shows_old_bytes = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    FaultyWorld world(seed);
    auto file = open_new(world, place);
    CHECK(await(world, file->sync()));
    CHECK(await(world, file->write(0, bytes_of(text))));
    world.disk.fail_at(world.disk.operations() + 1);
    const Result<void> failed = await(world, file->sync());
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == std::errc::io_error);
    if (world.contents(place.temporary()) != text) ++shows_old_bytes;
    CHECK(await(world, file->sync()));
    const auto durable = world.disk.durable_contents(place.temporary());
    REQUIRE(durable);
    CHECK(text_of(*durable) != text);
  }
  CHECK(shows_old_bytes == 20);
}

TEST_CASE("the epoch changes at a power cut, not when the process dies") {
  FaultyWorld world(9);
  const std::string epoch = world.disk.epoch();
  auto file = open_new(world, place);
  CHECK(await(world, file->write(0, bytes_of("abc"))));
  auto log = open_log(world, "/downloads/journal");
  world.disk.process_crash();
  world.simulation.kill();
  CHECK(world.disk.epoch() == epoch);
  CHECK(world.contents(place.temporary()) == "abc");
  auto reopened = open_log(world, "/downloads/journal");
  log.reset();  // the dead life's handle does not unlock the new one's log
  CHECK_FALSE(await(world, world.disk.open_log("/downloads/journal")));
  world.restart();
  CHECK(world.disk.epoch() != epoch);
  CHECK(world.disk.power_cuts() == 1);
}

TEST_CASE("a full disk takes what fits, and goes on when there is room") {
  FaultyWorld world;
  auto file = open_new(world, place);
  world.disk.set_capacity(1000);
  CHECK(await(world, file->reserve(2000)).error().code() == std::errc::no_space_on_device);
  CHECK(await(world, file->reserve(800)));
  CHECK(world.disk.used_bytes() == 800);
  CHECK(*await(world, world.disk.free_bytes("/downloads")) == 200);
  CHECK(await(world, file->write(0, bytes_of(pattern(1500)))).error().code() == std::errc::no_space_on_device);
  CHECK(*await(world, file->size()) == 1000);
  CHECK(world.disk.used_bytes() == 1000);
  world.disk.set_capacity(2000);
  CHECK(await(world, file->write(0, bytes_of(pattern(1500)))));
  const std::vector<FilePlace> places{place};
  CHECK(await(world, world.disk.discard(places)));
  CHECK(world.disk.used_bytes() == 0);
}

TEST_CASE("one append of 64 KiB to the log succeeds on a disk that has just become full") {
  FaultyWorld world;
  auto log = open_log(world, "/downloads/journal");
  CHECK(await(world, log->append(bytes_of("before"))));
  world.disk.set_capacity(world.disk.used_bytes());
  const std::string last_words = pattern(64 * 1024);
  CHECK(await(world, log->append(bytes_of(last_words))));
  CHECK_FALSE(await(world, log->append(bytes_of(last_words))));
  world.disk.set_capacity(1'000'000);
  CHECK(await(world, log->replace(bytes_of("after"))));
  CHECK(world.disk.used_bytes() == 5 + 64 * 1024);
}

TEST_CASE("every operation of a whole life fails once, and the next life does it all") {
  const std::string text = pattern(2000);
  std::uint64_t number = 1;
  for (;; ++number) {
    CAPTURE(number);
    FaultyWorld world(number);
    int acknowledged = 0;
    std::error_code failure;
    world.disk.fail_at(number);
    world.run(live(world.disk, text, acknowledged, failure));
    if (!failure) break;
    CHECK(failure == std::errc::io_error);
    world.run(live(world.disk, text, acknowledged, failure));
    CHECK(acknowledged == 3);
    CHECK(world.contents(place.target) == text);
    REQUIRE(number < 1000);
  }
  CHECK(number > 10);
}

TEST_CASE("a disk that fails from then on fails every later call, until it is healed") {
  FaultyWorld world;
  auto file = open_new(world, place);
  world.disk.fail_from(world.disk.operations() + 1, std::make_error_code(std::errc::read_only_file_system));
  for (int i = 0; i < 3; ++i) {
    CHECK(await(world, file->write(0, bytes_of("abc"))).error().code() == std::errc::read_only_file_system);
  }
  world.disk.heal();
  CHECK(await(world, file->write(0, bytes_of("abc"))));
}

TEST_CASE("power lost in any operation loses nothing that was acknowledged") {
  const std::string text = pattern(2000);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::uint64_t number = 1;
    for (;; ++number) {
      CAPTURE(seed);
      CAPTURE(number);
      FaultyWorld world(seed * 1000 + number);
      int acknowledged = 0;
      std::error_code failure;
      world.disk.cut_power_at(number);
      world.run(live(world.disk, text, acknowledged, failure));
      CHECK_FALSE(failure);
      const bool finished = !world.disk.powered_off();
      world.restart();
      if (acknowledged == 1) {
        CHECK((world.contents(place.temporary()) == text || world.contents(place.target) == text));
      }
      if (acknowledged >= 2) CHECK(world.contents(place.target) == text);
      if (acknowledged >= 1) CHECK(world.contents("/downloads/journal")->starts_with("begin synced "));
      if (acknowledged == 3) CHECK(world.contents("/downloads/journal") == "begin synced done ");
      if (finished) break;
      REQUIRE(number < 1000);
    }
    CHECK(number > 10);
  }
}

TEST_CASE("faults by rate come from the seed") {
  const auto failures = [](std::uint64_t seed) {
    FaultyWorld world(seed);
    FaultRates rates;
    rates.write = 0.3;
    world.disk.set_rates(rates);
    auto file = open_new(world, place);
    std::string outcome;
    for (int i = 0; i < 50; ++i) outcome += await(world, file->write(0, bytes_of("abc"))) ? '.' : 'x';
    return outcome;
  };
  CHECK(failures(1) == failures(1));
  CHECK(failures(1) != failures(2));
  CHECK(failures(1).find('x') != std::string::npos);
}

TEST_CASE("operations take virtual time, if told so") {
  FaultyWorld world;
  world.disk.set_latency(5ms);
  const auto start = world.simulation.clock()->now();
  auto file = open_new(world, place);
  CHECK(await(world, file->write(0, bytes_of("abc"))));
  CHECK(world.simulation.clock()->now() - start == 10ms);
}

TEST_CASE("operations take a random time between two, and a later one may be done first") {
  FaultyWorld world;
  world.disk.set_latency(1ms, 9ms);
  auto file = open_new(world, place);
  bool overtaken = false;
  for (int i = 0; i < 20; ++i) {
    const auto start = world.simulation.clock()->now();
    std::vector<int> order;
    std::vector<Clock::Duration> spans;
    const auto write = [&](int number) -> asio::awaitable<void> {
      const Result<void> written = co_await file->write(0, bytes_of("abc"));
      CHECK(written);
      order.push_back(number);
      spans.push_back(world.simulation.clock()->now() - start);
    };
    for (int number : {1, 2}) asio::co_spawn(world.simulation.executor(), write(number), asio::detached);
    world.simulation.run();
    REQUIRE(order.size() == 2);
    for (const Clock::Duration span : spans) {
      CHECK(span >= 1ms);
      CHECK(span <= 9ms);
    }
    overtaken = overtaken || order.front() == 2;
  }
  CHECK(overtaken);
}

TEST_CASE("the history tells the last operations") {
  FaultyWorld world;
  auto file = open_new(world, place);
  CHECK(await(world, file->write(3, bytes_of("abc"))));
  CHECK(await(world, file->sync()));
  CHECK(world.disk.history() == std::vector<std::string>{"1 make /downloads/.file.part",
                                                         "2 write /downloads/.file.part 3+3",
                                                         "3 sync /downloads/.file.part", "4 sync folder /downloads"});
  for (int i = 0; i < 100; ++i) CHECK(await(world, file->size()));
  CHECK(world.disk.history().size() == FaultyStorage::history_max);
  CHECK(world.disk.history().back() == "104 look /downloads/.file.part");
}
