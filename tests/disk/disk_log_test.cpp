#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <bgxfer/disk/disk_storage.hpp>

#include "contract/storage_contract.hpp"
#include "disk_world.hpp"

using namespace storage_contract_support;
using bgxfer::Errc;

namespace {

std::error_code log_code(DiskWorld& world, const std::filesystem::path& path) {
  const auto opened = await(world, world.disk->open_log(path));
  return opened ? std::error_code() : opened.error().code();
}

// Runs `body` in a child process and returns its exit status.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a log of another process is locked, and the error names the process") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  auto log = open_log(world, path);
  const std::string owner = std::to_string(::getpid());
  const auto try_to_open = [&path, &owner] {
    asio::io_context io;
    const std::shared_ptr<bgxfer::Storage> disk = bgxfer::disk::make_storage();
    std::optional<bgxfer::Result<std::unique_ptr<bgxfer::LogFile>>> opened;
    auto rethrow = [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    };
    asio::co_spawn(io, keep(disk->open_log(path), opened), rethrow);
    io.run();
    if (!opened || *opened) return 1;
    if (opened->error().code() != Errc::journal_locked) return 2;
    return opened->error().detail() == path.string() + " is in use by process " + owner ? 0 : 3;
  };
  CHECK(in_child(try_to_open) == 0);
}

TEST_CASE("the lock goes with its process, and the lock file of a log stays") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  const auto open_and_die = [&path] {
    asio::io_context io;
    const std::shared_ptr<bgxfer::Storage> disk = bgxfer::disk::make_storage();
    std::optional<bgxfer::Result<std::unique_ptr<bgxfer::LogFile>>> opened;
    auto rethrow = [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    };
    asio::co_spawn(io, keep(disk->open_log(path), opened), rethrow);
    io.run();
    return opened && *opened ? 0 : 1;  // and exits without any destructor
  };
  CHECK(in_child(open_and_die) == 0);
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of("a"))));
  log.reset();
  CHECK(std::filesystem::exists(path.string() + ".lock"));
}

TEST_CASE("a file that is only looked at, because it is no journal, has nothing beside it afterwards") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "diary";
  world.put(path, "dear diary");
  world.put(path.string() + ".new", "the next volume");
  auto log = open_log(world, path);
  CHECK(log_code(world, path) == Errc::journal_locked);
  CHECK(log_text(world, *log) == "dear diary");
  log.reset();
  CHECK_FALSE(std::filesystem::exists(path.string() + ".lock"));
  CHECK_FALSE(std::filesystem::exists(path.string() + ".reserve"));
  CHECK(world.contents(path.string() + ".new") == "the next volume");
  CHECK_FALSE(log_code(world, path));
}

TEST_CASE("a stranger's file that has the name of the lock is refused and stays as it is") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  world.put(path.string() + ".lock", "the combination is 12345678901234567890");
  CHECK(log_code(world, path) == Errc::unsafe_target);
  CHECK(world.contents(path.string() + ".lock") == "the combination is 12345678901234567890");
}

TEST_CASE("a journal is for the user alone, also one that was not") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  world.put(path, "text");
  ::chmod(path.c_str(), 0644);
  auto log = open_log(world, path);
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0644);  // Whoever named it may have meant another file.
  CHECK(log_text(world, *log) == "text");
  CHECK(await(world, log->append(bytes_of("s"))));
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
}

TEST_CASE("what somebody else could have put in the journal's place is refused") {
  DiskWorld world;
  world.put(world.folder() / "victim", "precious");
  std::filesystem::create_symlink(world.folder() / "victim", world.folder() / "link");
  CHECK(log_code(world, world.folder() / "link") == Errc::unsafe_target);
  std::filesystem::create_hard_link(world.folder() / "victim", world.folder() / "second");
  CHECK(log_code(world, world.folder() / "second") == Errc::unsafe_target);
  REQUIRE(::mkfifo((world.folder() / "fifo").c_str(), 0600) == 0);
  CHECK(log_code(world, world.folder() / "fifo") == Errc::unsafe_target);
  std::filesystem::create_symlink(world.folder() / "victim", world.folder() / "journal.lock");
  CHECK(log_code(world, world.folder() / "journal") == Errc::unsafe_target);
  CHECK(world.contents(world.folder() / "victim") == "precious");
}

TEST_CASE("what has taken the journal's name is not written to") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of("ours"))));
  world.put(world.folder() / "other", "precious");
  std::filesystem::rename(world.folder() / "other", path);
  const auto written = await(world, log->write_again(0, bytes_of("ours")));
  REQUIRE_FALSE(written);
  CHECK(written.error().code() == Errc::unsafe_target);
  CHECK(world.contents(path) == "precious");
}

TEST_CASE("a leftover of a replacement that was interrupted is deleted") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  world.put(path, "old");
  world.put(path.string() + ".new", "half");
  auto log = open_log(world, path);
  CHECK(log_text(world, *log) == "old");
  CHECK(await(world, log->append(bytes_of("s"))));
  CHECK_FALSE(std::filesystem::exists(path.string() + ".new"));
}

TEST_CASE("a journal larger than the limit is not read") {
  DiskWorld world;
  bgxfer::disk::StorageOptions options;
  options.log_bytes_max = 10;
  world.disk = bgxfer::disk::make_storage(options);
  const std::filesystem::path path = world.folder() / "journal";
  world.put(path, "01234567890");
  auto log = open_log(world, path);
  CHECK(await(world, log->read_all()).error().code() == std::errc::file_too_large);
}

TEST_CASE("a relative journal lies in the working folder of the moment") {
  DiskWorld world;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(world.folder());
  auto log = open_log(world, "journal");
  std::filesystem::current_path(before);
  CHECK(await(world, log->append(bytes_of("abc"))));
  CHECK(await(world, log->replace(bytes_of("def"))));
  CHECK(world.contents(world.folder() / "journal") == "def");
}

TEST_CASE("a journal grows in steps, without a visible change of its size") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of("abc"))));
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK(facts.st_size == 3);
  CHECK(facts.st_blocks * 512 >= 256 * 1024);
}

TEST_CASE("the reserve is there while the log is, and comes back with the next replacement") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  const std::string reserve = path.string() + ".reserve";
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of("s"))));
  struct stat facts {};
  REQUIRE(::stat(reserve.c_str(), &facts) == 0);
  CHECK(facts.st_blocks * 512 >= 64 * 1024);
}

TEST_CASE("a replacement that cannot be written leaves the old log in place") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of("old"))));
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  struct rlimit small = before;
  small.rlim_cur = 100;
  const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text(1000, 'x');
  const auto replaced = await(world, log->replace(bytes_of(text)));
  const auto appended = await(world, log->append(bytes_of(text)));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, signal_before);
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().code() == std::errc::file_too_large);
  CHECK_FALSE(appended);
  CHECK(world.contents(path)->starts_with("old"));
  CHECK_FALSE(std::filesystem::exists(path.string() + ".new"));
  CHECK(await(world, log->replace(bytes_of("new"))));
  CHECK(world.contents(path) == "new");
}

TEST_CASE("copies of a damaged log are counted, and their number is limited") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  for (int n = 1; n <= 100; ++n) world.put(path.string() + ".damaged-" + std::to_string(n), "");
  auto log = open_log(world, path);
  CHECK(await(world, log->keep_copy()).error().code() == std::errc::file_exists);
}

TEST_CASE("a large log is copied in full") {
  DiskWorld world;
  const std::filesystem::path path = world.folder() / "journal";
  std::string text(200'000, 'x');
  text += "end";
  auto log = open_log(world, path);
  CHECK(await(world, log->append(bytes_of(text))));
  const auto copy = await(world, log->keep_copy());
  REQUIRE(copy);
  CHECK(world.contents(*copy) == text);
}
