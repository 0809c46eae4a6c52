#ifndef BGXFER_TESTS_STORAGE_CONTRACT_HPP
#define BGXFER_TESTS_STORAGE_CONTRACT_HPP

// What every `Storage` must do, whoever wrote it. A world makes one and runs coroutines that use it:
//
//     struct World {
//       bgxfer::Storage& storage();
//       std::filesystem::path folder();                                // exists, may be written to
//       void run(asio::awaitable<void> work);                          // returns when `work` is done
//       void put(std::filesystem::path, std::string_view);             // a file from elsewhere
//       std::optional<std::string> contents(std::filesystem::path);    // empty: no such file
//     };
//
//     TEST_CASE_TEMPLATE_INVOKE(storage_contract, World);

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <bgxfer/storage.hpp>

namespace storage_contract_support {

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& into) {
  T value = co_await std::move(work);
  into.emplace(std::move(value));
}

template <class World, class T>
T await(World& world, asio::awaitable<T> work) {
  std::optional<T> value;
  world.run(keep(std::move(work), value));
  REQUIRE(value);
  return *std::move(value);
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

template <class World>
std::unique_ptr<bgxfer::PartialFile> open_new(World& world, const bgxfer::FilePlace& place) {
  auto opened = await(world, world.storage().open(bgxfer::OpenPartial(place)));
  REQUIRE(opened);
  return *std::move(opened);
}

template <class World>
std::error_code open_again(World& world, const bgxfer::FilePlace& place, bgxfer::FileIdentity identity) {
  bgxfer::OpenPartial request(place);
  request.expected = identity;
  auto opened = await(world, world.storage().open(request));
  return opened ? std::error_code() : opened.error().code();
}

template <class World>
std::unique_ptr<bgxfer::LogFile> open_log(World& world, const std::filesystem::path& path) {
  auto opened = await(world, world.storage().open_log(path));
  REQUIRE(opened);
  return *std::move(opened);
}

template <class World>
std::string log_text(World& world, bgxfer::LogFile& log) {
  auto read = await(world, log.read_all());
  REQUIRE(read);
  return text_of(*read);
}

template <class World>
std::string partial_text(World& world, bgxfer::PartialFile& file) {
  std::vector<std::byte> buffer(4096);
  auto count = await(world, file.read(0, buffer));
  REQUIRE(count);
  buffer.resize(*count);
  return text_of(buffer);
}

}  // namespace storage_contract_support

TEST_CASE_TEMPLATE_DEFINE("the storage contract", World, storage_contract) {
  using namespace storage_contract_support;
  using bgxfer::CommitFile;
  using bgxfer::CommitReport;
  using bgxfer::Errc;
  using bgxfer::FileIdentity;
  using bgxfer::FilePlace;
  using bgxfer::LogFile;
  using bgxfer::OpenPartial;
  using bgxfer::PartialFile;

  World world;
  bgxfer::Storage& storage = world.storage();
  const FilePlace place(world.folder() / "file.iso", ".file.iso.1.part");
  const FilePlace other(world.folder() / "other.iso", ".other.iso.2.part");

  SUBCASE("bytes written at an offset are read back, and the gap before them is zeros") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(4, bytes_of("tail"))));
    CHECK(partial_text(world, *file) == std::string("\0\0\0\0tail", 8));
    CHECK(await(world, file->write(0, bytes_of("head"))));
    CHECK(await(world, file->write(3, bytes_of("-over-"))));
    CHECK(partial_text(world, *file) == "hea-over-");
    CHECK(*await(world, file->size()) == 9);
  }

  SUBCASE("a read gives less than asked only at the end") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("0123456789"))));
    std::vector<std::byte> buffer(4);
    CHECK(*await(world, file->read(2, buffer)) == 4);
    CHECK(text_of(buffer) == "2345");
    CHECK(*await(world, file->read(8, buffer)) == 2);
    CHECK(*await(world, file->read(10, buffer)) == 0);
    CHECK(*await(world, file->read(1000, buffer)) == 0);
  }

  SUBCASE("a file is cut, and extended with zeros") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("0123456789"))));
    CHECK(await(world, file->resize(3)));
    CHECK(partial_text(world, *file) == "012");
    CHECK(await(world, file->resize(5)));
    CHECK(partial_text(world, *file) == std::string("012\0\0", 5));
  }

  SUBCASE("space set aside does not change the size") {
    auto file = open_new(world, place);
    CHECK(await(world, file->reserve(4096)));
    CHECK(*await(world, file->size()) == 0);
    CHECK(await(world, file->write(0, bytes_of("abc"))));
    CHECK(*await(world, file->size()) == 3);
  }

  SUBCASE("nothing is visible under the final name before the commit") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("abc"))));
    CHECK(await(world, file->sync()));
    CHECK_FALSE(world.contents(place.target));
    CHECK(world.contents(place.temporary()) == "abc");
  }

  SUBCASE("an existing file is opened again by its identity") {
    auto file = open_new(world, place);
    const FileIdentity identity = file->identity();
    CHECK(await(world, file->write(0, bytes_of("abc"))));
    file.reset();
    OpenPartial request(place);
    request.expected = identity;
    auto again = await(world, storage.open(request));
    REQUIRE(again);
    CHECK((*again)->identity() == identity);
    CHECK(partial_text(world, **again) == "abc");
  }

  SUBCASE("another file under the temporary name, or none, is a changed file") {
    auto file = open_new(world, place);
    FileIdentity identity = file->identity();
    FileIdentity stranger = identity;
    stranger.inode += 1000;
    CHECK(open_again(world, place, stranger) == Errc::partial_file_changed);
    CHECK(open_again(world, other, identity) == Errc::partial_file_changed);
  }

  SUBCASE("a new file takes the place of a leftover") {
    world.put(place.temporary(), "leftover");
    auto file = open_new(world, place);
    CHECK(*await(world, file->size()) == 0);
  }

  SUBCASE("a file that was synced takes its name, with its time, and replaces what had the name") {
    world.put(place.target, "old");
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("new"))));
    CHECK(await(world, file->sync()));
    std::vector<CommitFile> batch{CommitFile(place)};
    batch[0].identity = file->identity();
    batch[0].modified = std::chrono::system_clock::time_point(std::chrono::seconds(1'000'000'000));
    file.reset();
    const CommitReport report = await(world, storage.commit(batch));
    CHECK(report.done == 1);
    CHECK_FALSE(report.error);
    CHECK(world.contents(place.target) == "new");
    CHECK_FALSE(world.contents(place.temporary()));
  }

  SUBCASE("a commit that was done before counts as done again") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("new"))));
    std::vector<CommitFile> batch{CommitFile(place)};
    batch[0].identity = file->identity();
    file.reset();
    CHECK(await(world, storage.commit(batch)).done == 1);
    const CommitReport again = await(world, storage.commit(batch));
    CHECK(again.done == 1);
    CHECK_FALSE(again.error);
    CHECK(world.contents(place.target) == "new");
  }

  SUBCASE("a lost temporary file is not taken for one that was committed before") {
    auto file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("old"))));
    file.reset();
    const std::vector<CommitFile> old{CommitFile(place)};
    CHECK(await(world, storage.commit(old)).done == 1);

    file = open_new(world, place);
    CHECK(await(world, file->write(0, bytes_of("new"))));
    std::vector<CommitFile> batch{CommitFile(place)};
    batch[0].identity = file->identity();
    file.reset();
    const std::vector<FilePlace> lost{place};
    CHECK(await(world, storage.discard(lost)));
    const CommitReport report = await(world, storage.commit(batch));
    CHECK(report.done == 0);
    REQUIRE(report.error);
    CHECK(report.error->code() == std::errc::no_such_file_or_directory);
    CHECK(world.contents(place.target) == "old");
  }

  SUBCASE("a commit stops at the first file that fails") {
    const FilePlace missing(world.folder() / "missing.iso", ".missing.part");
    CHECK(await(world, open_new(world, place)->write(0, bytes_of("one"))));
    CHECK(await(world, open_new(world, other)->write(0, bytes_of("two"))));
    const std::vector<CommitFile> batch{CommitFile(place), CommitFile(missing), CommitFile(other)};
    const CommitReport report = await(world, storage.commit(batch));
    CHECK(report.done == 1);
    REQUIRE(report.error);
    CHECK(report.error->code() == std::errc::no_such_file_or_directory);
    CHECK(report.error->context() == bgxfer::ErrorContext::local_file);
    CHECK(report.error->detail() == missing.temporary().string());
    CHECK(world.contents(place.target) == "one");
    CHECK_FALSE(world.contents(other.target));
    CHECK(world.contents(other.temporary()) == "two");
  }

  SUBCASE("a replaced temporary file does not take the name") {
    auto file = open_new(world, place);
    std::vector<CommitFile> batch{CommitFile(place)};
    batch[0].identity = file->identity();
    batch[0].identity.inode += 1000;
    const CommitReport report = await(world, storage.commit(batch));
    CHECK(report.done == 0);
    REQUIRE(report.error);
    CHECK(report.error->code() == Errc::partial_file_changed);
    CHECK_FALSE(world.contents(place.target));
  }

  SUBCASE("an empty batch is done") {
    const std::vector<CommitFile> none;
    const std::vector<FilePlace> nowhere;
    CHECK(await(world, storage.commit(none)).done == 0);
    CHECK(await(world, storage.sync(nowhere)));
    CHECK(await(world, storage.discard(nowhere)));
  }

  SUBCASE("many files are synced and committed in one call") {
    std::vector<FilePlace> places;
    std::vector<CommitFile> batch;
    for (int i = 0; i < 40; ++i) {
      const std::string name = "small-" + std::to_string(i);
      places.emplace_back(world.folder() / name, "." + name + ".part");
      CHECK(await(world, open_new(world, places.back())->write(0, bytes_of(name))));
      batch.emplace_back(places.back());
    }
    CHECK(await(world, storage.sync(places)));
    CHECK(await(world, storage.commit(batch)).done == 40);
    CHECK(world.contents(places[39].target) == "small-39");
  }

  SUBCASE("discarded files are gone, and one that is not there counts as deleted") {
    CHECK(await(world, open_new(world, place)->write(0, bytes_of("one"))));
    const std::vector<FilePlace> places{other, place};
    CHECK(await(world, storage.discard(places)));
    CHECK_FALSE(world.contents(place.temporary()));
    CHECK(await(world, storage.discard(places)));
  }

  SUBCASE("an open file outlives its name") {
    auto file = open_new(world, place);
    const std::vector<FilePlace> places{place};
    CHECK(await(world, storage.discard(places)));
    CHECK(await(world, file->write(0, bytes_of("abc"))));
    CHECK(partial_text(world, *file) == "abc");
  }

  SUBCASE("a target is absolute, in an existing folder, under a lawful name") {
    CHECK(storage.check_target(place.target));
    CHECK(storage.check_target("file.iso").error().code() == Errc::relative_target);
    CHECK(storage.check_target(world.folder() / "nul.txt").error().code() == Errc::unsafe_target);
    CHECK(storage.check_target(world.folder() / ".." / "file.iso").error().code() == Errc::unsafe_target);
    const bgxfer::TargetCheck check = storage.target_check();
    CHECK(check(place.target));
    CHECK(check("file.iso").error().code() == Errc::relative_target);
    CHECK(check(world.folder() / "nul.txt").error().code() == Errc::unsafe_target);
    CHECK(check(place.target));
  }

  SUBCASE("every call enforces the name rules, not only the first") {
    const FilePlace escape(world.folder() / "file.iso", "../escape");
    auto opened = await(world, storage.open(OpenPartial(escape)));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == Errc::unsafe_target);
    const std::vector<CommitFile> batch{CommitFile(escape)};
    const CommitReport report = await(world, storage.commit(batch));
    CHECK(report.done == 0);
    REQUIRE(report.error);
    CHECK(report.error->code() == Errc::unsafe_target);
    const std::vector<FilePlace> places{escape};
    const auto discarded = await(world, storage.discard(places));
    REQUIRE_FALSE(discarded);
    CHECK(discarded.error().code() == Errc::unsafe_target);
  }

  SUBCASE("there is room in the folder") {
    auto room = await(world, storage.free_bytes(world.folder()));
    REQUIRE(room);
    CHECK(*room > 0);
  }

  SUBCASE("a log that did not exist is empty, and keeps what is appended") {
    const std::filesystem::path path = world.folder() / "jobs.journal";
    auto log = open_log(world, path);
    CHECK(log_text(world, *log) == "");
    CHECK(await(world, log->append(bytes_of("one "))));
    CHECK(await(world, log->append(bytes_of("two "))));
    CHECK(await(world, log->sync()));
    CHECK(log_text(world, *log) == "one two ");
    CHECK(world.contents(path) == "one two ");
    log.reset();
    log = open_log(world, path);
    CHECK(log_text(world, *log) == "one two ");
    CHECK(await(world, log->append(bytes_of("three"))));
    CHECK(log_text(world, *log) == "one two three");
  }

  SUBCASE("what a log holds may be written once more at its place, and nothing is different") {
    const std::filesystem::path path = world.folder() / "log";
    auto log = open_log(world, path);
    CHECK(await(world, log->append(bytes_of("one two "))));
    log.reset();
    log = open_log(world, path);
    CHECK(log_text(world, *log) == "one two ");
    CHECK(await(world, log->append(bytes_of("three"))));
    CHECK(await(world, log->write_again(4, bytes_of("two "))));
    CHECK(await(world, log->sync()));
    CHECK(await(world, log->append(bytes_of("!"))));
    CHECK(log_text(world, *log) == "one two three!");
  }

  SUBCASE("a log is replaced as a whole, and appended to afterwards") {
    const std::filesystem::path path = world.folder() / "jobs.journal";
    auto log = open_log(world, path);
    CHECK(await(world, log->append(bytes_of("a long old text"))));
    CHECK(await(world, log->replace(bytes_of("new"))));
    CHECK(await(world, log->append(bytes_of("er"))));
    CHECK(await(world, log->sync()));
    CHECK(log_text(world, *log) == "newer");
    log.reset();
    CHECK(world.contents(path) == "newer");
  }

  SUBCASE("a log has one owner at a time") {
    const std::filesystem::path path = world.folder() / "jobs.journal";
    auto log = open_log(world, path);
    auto second = await(world, storage.open_log(path));
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == Errc::journal_locked);
    CHECK(second.error().detail().find(path.string()) != std::string::npos);
    CHECK(await(world, log->replace(bytes_of("new"))));
    CHECK_FALSE(await(world, storage.open_log(path)));
    log.reset();
    CHECK(await(world, storage.open_log(path)));
  }

  SUBCASE("copies of a log stay beside it, each under its own name") {
    const std::filesystem::path path = world.folder() / "jobs.journal";
    auto log = open_log(world, path);
    CHECK(await(world, log->append(bytes_of("damaged"))));
    auto first = await(world, log->keep_copy());
    CHECK(await(world, log->replace(bytes_of("salvaged"))));
    auto second = await(world, log->keep_copy());
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*first == path.string() + ".damaged-1");
    CHECK(*second == path.string() + ".damaged-2");
    CHECK(world.contents(*first) == "damaged");
    CHECK(world.contents(*second) == "salvaged");
  }

  SUBCASE("the epoch does not change by itself") { CHECK(storage.epoch() == storage.epoch()); }
}

#endif
