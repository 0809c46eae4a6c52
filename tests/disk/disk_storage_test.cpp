#include <bgxfer/disk/disk_storage.hpp>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <asio/detached.hpp>

#include "contract/storage_contract.hpp"
#include "disk_world.hpp"

using namespace storage_contract_support;
using bgxfer::CommitFile;
using bgxfer::CommitReport;
using bgxfer::Errc;
using bgxfer::FileIdentity;
using bgxfer::FilePlace;
using bgxfer::OpenPartial;
using bgxfer::Result;

namespace {

FilePlace place_in(DiskWorld& world, const std::string& name = "file") {
  return FilePlace(world.folder() / name, "." + name + ".part");
}

std::error_code open_code(DiskWorld& world, const FilePlace& place) {
  const OpenPartial request(place);
  const auto opened = await(world, world.disk->open(request));
  return opened ? std::error_code() : opened.error().code();
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

// Makes the temporary file and swaps it for what `swap` puts there; then opens it by its old identity.
template <class Swap>
std::error_code reopen_after(Swap swap) {
  DiskWorld world;
  const FilePlace place = place_in(world);
  auto file = open_new(world, place);
  const FileIdentity identity = file->identity();
  CHECK(await(world, file->write(0, bytes_of("abc"))));
  file.reset();
  swap(place.temporary(), world.folder());
  return open_again(world, place, identity);
}

struct Umask {
  explicit Umask(mode_t mask) : before(::umask(mask)) {}
  ~Umask() { ::umask(before); }
  mode_t before;
};

// How much of the front of a file is in the page cache, from 0 to 1.
double cached_share(const std::filesystem::path& path, std::size_t bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  REQUIRE(mapped != MAP_FAILED);
  std::vector<unsigned char> pages(bytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  CHECK(::mincore(mapped, bytes, pages.data()) == 0);
  ::munmap(mapped, bytes);
  const auto cached = std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<double>(cached) / static_cast<double>(pages.size());
}

asio::awaitable<void> sync_and_count(std::unique_ptr<bgxfer::PartialFile> file, int& done) {
  const Result<void> synced = co_await file->sync();
  if (synced) ++done;
}

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(storage_contract, DiskWorld);

TEST_CASE("a symbolic link in place of the temporary file is not followed") {
  std::filesystem::path victim;
  const auto swap = [&](const std::filesystem::path& temporary, const std::filesystem::path& folder) {
    victim = folder / "victim";
    std::filesystem::rename(temporary, victim);
    std::filesystem::create_symlink(victim, temporary);
  };
  CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a FIFO in place of the temporary file neither blocks nor passes") {
  const auto swap = [](const std::filesystem::path& temporary, const std::filesystem::path&) {
    std::filesystem::remove(temporary);
    REQUIRE(::mkfifo(temporary.c_str(), 0600) == 0);
  };
  CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a temporary file with a second name is refused") {
  const auto swap = [](const std::filesystem::path& temporary, const std::filesystem::path& folder) {
    std::filesystem::create_hard_link(temporary, folder / "second");
  };
  CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a folder in place of the temporary file is refused") {
  const auto swap = [](const std::filesystem::path& temporary, const std::filesystem::path&) {
    std::filesystem::remove(temporary);
    std::filesystem::create_directory(temporary);
  };
  CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a new file under the old name is another one, even with the same inode number") {
  const auto swap = [](const std::filesystem::path& temporary, const std::filesystem::path&) {
    std::filesystem::remove(temporary);
    std::ofstream(temporary) << "abc";
  };
  for (int i = 0; i < 5; ++i) CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a temporary file that belongs to somebody else is refused") {
  if (::geteuid() != 0) return;
  const auto swap = [](const std::filesystem::path& temporary, const std::filesystem::path&) {
    REQUIRE(::chown(temporary.c_str(), 65534, 65534) == 0);
  };
  CHECK(reopen_after(swap) == Errc::partial_file_changed);
}

TEST_CASE("a leftover link is removed, not followed, by a new file") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  world.put(world.folder() / "victim", "precious");
  std::filesystem::create_symlink(world.folder() / "victim", place.temporary());
  auto file = open_new(world, place);
  CHECK(await(world, file->write(0, bytes_of("mine"))));
  CHECK(world.contents(world.folder() / "victim") == "precious");
  CHECK_FALSE(std::filesystem::is_symlink(place.temporary()));
}

TEST_CASE("a commit refuses a link, and replaces one that has the final name") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  world.put(world.folder() / "victim", "precious");
  std::filesystem::create_symlink(world.folder() / "victim", place.temporary());
  std::vector<CommitFile> batch{CommitFile(place)};
  CommitReport report = await(world, world.disk->commit(batch));
  REQUIRE(report.error);
  CHECK(report.error->code() == Errc::partial_file_changed);

  std::filesystem::create_symlink(world.folder() / "victim", place.target);
  CHECK(await(world, open_new(world, place)->write(0, bytes_of("mine"))));
  report = await(world, world.disk->commit(batch));
  CHECK_FALSE(report.error);
  CHECK(world.contents(world.folder() / "victim") == "precious");
  CHECK(world.contents(place.target) == "mine");
  CHECK_FALSE(std::filesystem::is_symlink(place.target));
}

TEST_CASE("a commit that a folder in the target's place stops names that folder, and keeps the file") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  CHECK(await(world, open_new(world, place)->write(0, bytes_of("mine"))));
  std::filesystem::create_directory(place.target);
  const std::vector<CommitFile> batch{CommitFile(place)};
  CommitReport report = await(world, world.disk->commit(batch));
  REQUIRE(report.error);
  CHECK(report.done == 0);
  CHECK(report.error->code() == std::errc::is_a_directory);
  CHECK(report.error->detail() == place.target.string());
  CHECK(world.contents(place.temporary()) == "mine");

  std::filesystem::remove(place.target);
  report = await(world, world.disk->commit(batch));
  CHECK_FALSE(report.error);
  CHECK(world.contents(place.target) == "mine");
}

TEST_CASE("a folder that everybody may write to is refused, unless it is sticky") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  CHECK(world.disk->check_target(place.target));
  ::chmod(world.folder().c_str(), 0777);
  CHECK(world.disk->check_target(place.target).error().code() == Errc::unsafe_target);
  CHECK(open_code(world, place) == Errc::unsafe_target);
  const auto log = await(world, world.disk->open_log(world.folder() / "journal"));
  REQUIRE_FALSE(log);
  CHECK(log.error().code() == Errc::unsafe_target);
  ::chmod(world.folder().c_str(), 01777);
  CHECK(world.disk->check_target(place.target));
  CHECK_FALSE(open_code(world, place));
}

TEST_CASE("a link on the way to the folder is followed if it is ours, and refused if it is another's") {
  DiskWorld world;
  std::filesystem::create_directories(world.folder() / "real" / "deep");
  std::filesystem::create_directory_symlink("real/../real", world.folder() / "link");
  const FilePlace place(world.folder() / "link" / "deep" / "file", ".file.part");
  CHECK_FALSE(open_code(world, place));
  CHECK(std::filesystem::exists(world.folder() / "real" / "deep" / ".file.part"));
  if (::geteuid() != 0) return;
  REQUIRE(::lchown((world.folder() / "link").c_str(), 65534, 65534) == 0);
  world.disk = bgxfer::disk::make_storage();
  CHECK(open_code(world, place) == Errc::unsafe_target);
}

TEST_CASE("links in a circle end") {
  DiskWorld world;
  std::filesystem::create_directory_symlink("b", world.folder() / "a");
  std::filesystem::create_directory_symlink("a", world.folder() / "b");
  const FilePlace place(world.folder() / "a" / "file", ".file.part");
  CHECK(open_code(world, place) == Errc::unsafe_target);
}

TEST_CASE("a target in a missing folder, or that is a folder, is the system's own error") {
  DiskWorld world;
  CHECK(world.disk->check_target(world.folder() / "missing" / "file").error().code() ==
        std::errc::no_such_file_or_directory);
  std::filesystem::create_directory(world.folder() / "folder");
  CHECK(world.disk->check_target(world.folder() / "folder").error().code() == std::errc::is_a_directory);
  world.put(world.folder() / "file", "");
  CHECK(world.disk->check_target(world.folder() / "file" / "below").error().code() == std::errc::not_a_directory);
}

TEST_CASE("a folder that takes the place of a target is noticed, although the target was free before") {
  DiskWorld world;
  CHECK(world.disk->check_target(world.folder() / "file"));
  std::filesystem::create_directory(world.folder() / "file");
  CHECK(world.disk->check_target(world.folder() / "file").error().code() == std::errc::is_a_directory);
  CHECK(world.disk->check_target(world.folder() / "other"));
  std::filesystem::remove(world.folder() / "file");
  CHECK(world.disk->check_target(world.folder() / "file"));
}

TEST_CASE("what was seen of a folder holds for the targets of one add, and no longer") {
  DiskWorld world;
  std::filesystem::create_directory(world.folder() / "folder");
  const bgxfer::TargetCheck check = world.disk->target_check();
  CHECK(check(world.folder() / "folder" / "file"));
  CHECK(check(world.folder() / "file"));
  CHECK(check(world.folder() / "folder").error().code() == std::errc::is_a_directory);
  CHECK(check(world.folder() / "missing" / "file").error().code() == std::errc::no_such_file_or_directory);
  CHECK(check("file").error().code() == Errc::relative_target);
  std::filesystem::remove(world.folder() / "folder");
  CHECK(check(world.folder() / "file"));
  CHECK(check(world.folder() / "folder" / "file").error().code() == std::errc::no_such_file_or_directory);
  CHECK(world.disk->target_check()(world.folder() / "folder"));
}

TEST_CASE("a folder that was deleted and made again is found again") {
  DiskWorld world;
  const std::filesystem::path sub = world.folder() / "sub";
  const FilePlace place(sub / "file", ".file.part");
  std::filesystem::create_directory(sub);
  CHECK_FALSE(open_code(world, place));
  std::filesystem::remove_all(sub);
  CHECK(open_code(world, place) == std::errc::no_such_file_or_directory);
  std::filesystem::create_directory(sub);
  CHECK_FALSE(open_code(world, place));
  CHECK(std::filesystem::exists(place.temporary()));
}

TEST_CASE("a file is for the user alone until it has its name, then as the umask says") {
  const Umask umask(0027);
  DiskWorld world;
  const FilePlace place = place_in(world);
  auto file = open_new(world, place);
  CHECK(mode_of(place.temporary()) == 0600);
  const std::vector<CommitFile> batch{CommitFile(place)};
  CHECK(await(world, world.disk->commit(batch)).done == 1);
  CHECK(mode_of(place.target) == 0640);
}

TEST_CASE("a file that replaces another gets its permissions, without special bits") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  world.put(place.target, "old");
  ::chmod(place.target.c_str(), 04755);
  auto file = open_new(world, place);
  const std::vector<CommitFile> batch{CommitFile(place)};
  CHECK(await(world, world.disk->commit(batch)).done == 1);
  CHECK(mode_of(place.target) == 0755);
}

TEST_CASE("a committed file has the time that the server gave, also one before 1970") {
  DiskWorld world;
  for (const std::int64_t seconds : {1'000'000'000, -1'000}) {
    const FilePlace place = place_in(world);
    open_new(world, place);
    std::vector<CommitFile> batch{CommitFile(place)};
    batch[0].modified = std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
    CHECK(await(world, world.disk->commit(batch)).done == 1);
    struct stat facts {};
    REQUIRE(::stat(place.target.c_str(), &facts) == 0);
    CHECK(facts.st_mtim.tv_sec == seconds);
  }
}

TEST_CASE("space is set aside on the disk, and given up when told not to") {
  DiskWorld world;
  const FilePlace place = place_in(world);
  auto file = open_new(world, place);
  CHECK(await(world, file->reserve(1 << 20)));
  CHECK(await(world, file->reserve(0)));
  struct stat facts {};
  REQUIRE(::stat(place.temporary().c_str(), &facts) == 0);
  CHECK(facts.st_size == 0);
  CHECK(facts.st_blocks * 512 >= 1 << 20);
  CHECK(await(world, file->reserve(~std::uint64_t{0})).error().code() == std::errc::file_too_large);

  bgxfer::disk::StorageOptions options;
  options.preallocate = false;
  world.disk = bgxfer::disk::make_storage(options);
  const FilePlace other = place_in(world, "other");
  file = open_new(world, other);
  CHECK(await(world, file->reserve(1 << 20)));
  REQUIRE(::stat(other.temporary().c_str(), &facts) == 0);
  CHECK(facts.st_blocks == 0);
}

TEST_CASE("what is on the disk of a large file leaves the page cache where the host wants that, and stays else") {
  constexpr std::size_t mebibyte = 1024 * 1024;
  DiskWorld world;
  struct statfs system {};
  REQUIRE(::statfs(world.folder().c_str(), &system) == 0);
  if (system.f_type == TMPFS_MAGIC) {
    MESSAGE("skipped: the folder for temporary files is in memory, and so is all that is in it");
    return;
  }
  const std::vector<std::byte> bytes(mebibyte, std::byte{7});
  for (const bool spare : {false, true}) {
    bgxfer::disk::StorageOptions options;
    options.spare_page_cache = spare;
    world.disk = bgxfer::disk::make_storage(options);
    const FilePlace place = place_in(world, spare ? "left" : "kept");
    auto file = open_new(world, place);
    for (std::size_t at = 0; at < 24 * mebibyte; at += mebibyte) {
      // Once 16 MiB are on the disk, the next 8 MiB are the occasion.
      if (at == 16 * mebibyte) CHECK(await(world, file->sync()));
      CHECK(await(world, file->write(at, bytes)));
    }
    CHECK(await(world, file->sync()));  // Behind what was begun, on the same thread.
    const double cached = cached_share(place.temporary(), 16 * mebibyte);
    if (spare) CHECK(cached < 0.25);
    if (!spare) CHECK(cached > 0.75);
  }
}

TEST_CASE("offsets that no file has are errors, not surprises") {
  DiskWorld world;
  auto file = open_new(world, place_in(world));
  CHECK(await(world, file->write(~std::uint64_t{0}, bytes_of("a"))).error().code() == std::errc::file_too_large);
  CHECK(await(world, file->resize(~std::uint64_t{0})).error().code() == std::errc::file_too_large);
  std::vector<std::byte> buffer(8);
  CHECK(*await(world, file->read(~std::uint64_t{0}, buffer)) == 0);
}

TEST_CASE("thousands of small files in two folders are made, synced and committed") {
  DiskWorld world;
  std::filesystem::create_directory(world.folder() / "a");
  std::filesystem::create_directory(world.folder() / "b");
  std::vector<FilePlace> places;
  std::vector<CommitFile> batch;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = std::to_string(i);
    places.emplace_back(world.folder() / (i % 2 == 0 ? "a" : "b") / name, "." + name + ".part");
    CHECK(await(world, open_new(world, places.back())->write(0, bytes_of(name))));
    batch.emplace_back(places.back());
  }
  CHECK(await(world, world.disk->sync(places)));
  const CommitReport report = await(world, world.disk->commit(batch));
  CHECK(report.done == 2000);
  CHECK_FALSE(report.error);
  CHECK(world.contents(world.folder() / "b" / "1999") == "1999");
}

TEST_CASE("more folders than are kept open are handled") {
  bgxfer::disk::StorageOptions options;
  options.open_folders_max = 2;
  DiskWorld world;
  world.disk = bgxfer::disk::make_storage(options);
  std::vector<FilePlace> places;
  std::vector<CommitFile> batch;
  for (int i = 0; i < 40; ++i) {
    const std::filesystem::path folder = world.folder() / std::to_string(i % 8);
    std::filesystem::create_directories(folder);
    places.emplace_back(folder / std::to_string(i), ".part" + std::to_string(i));
    open_new(world, places.back());
    batch.emplace_back(places.back());
  }
  CHECK(await(world, world.disk->sync(places)));
  CHECK(await(world, world.disk->commit(batch)).done == 40);
}

TEST_CASE("a storage may be destroyed while a call is under way") {
  DiskWorld world;
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    auto file = open_new(world, place_in(world, std::to_string(i)));
    asio::co_spawn(world.io, sync_and_count(std::move(file), done), asio::detached);
  }
  world.io.restart();
  world.io.poll();
  world.disk.reset();
  world.io.run();
  CHECK(done == 20);
}

TEST_CASE("an execution context may be destroyed while a call is under way") {
  TemporaryFolder temporary;
  int done = 0;
  for (int round = 0; round < 20; ++round) {
    DiskWorld world;
    for (int i = 0; i < 3; ++i) {
      auto file = open_new(world, place_in(world, std::to_string(i)));
      asio::co_spawn(world.io, sync_and_count(std::move(file), done), asio::detached);
    }
    auto io = std::make_unique<asio::io_context>();
    auto file = open_new(world, place_in(world, "last"));
    asio::co_spawn(*io, sync_and_count(std::move(file), done), asio::detached);
    io->poll();
    io.reset();
    world.io.restart();
    world.io.poll();
  }
  CHECK(done < 80);
}

TEST_CASE("coroutines on several threads share one storage") {
  DiskWorld world;
  int done = 0;
  auto strand_work = [&world](int number) -> std::unique_ptr<bgxfer::PartialFile> {
    return open_new(world, place_in(world, std::to_string(number)));
  };
  std::vector<std::unique_ptr<bgxfer::PartialFile>> files;
  for (int i = 0; i < 32; ++i) files.push_back(strand_work(i));
  std::vector<int> counts(files.size(), 0);
  for (std::size_t i = 0; i < files.size(); ++i) {
    asio::co_spawn(world.io, sync_and_count(std::move(files[i]), counts[i]), asio::detached);
  }
  world.io.restart();
  std::thread second([&world] { world.io.run(); });
  world.io.run();
  second.join();
  for (const int count : counts) done += count;
  CHECK(done == 32);
}

TEST_CASE("the epoch is the boot of the machine") {
  CHECK(bgxfer::disk::make_storage()->epoch() == bgxfer::disk::make_storage()->epoch());
  CHECK(bgxfer::disk::make_storage()->epoch().size() == 36);
}
