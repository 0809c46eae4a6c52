// Somebody with a thread of their own who may write to the target's folder: what they do there harms their own files
// only (security.md parts 4 and 6).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <bgxfer/bgxfer.hpp>

#include "disk_world.hpp"
#include "journal/frame.hpp"
#include "journal/record_codec.hpp"
#include "model/change.hpp"

using bgxfer::CommitFile;
using bgxfer::CommitReport;
using bgxfer::FilePlace;
using bgxfer::OpenPartial;
using bgxfer::Result;

namespace {

namespace fs = std::filesystem;

/// Swaps whatever has this name for a link out of the folder, a folder, a FIFO, a second name, or nothing.
class Attacker {
 public:
  Attacker(fs::path name, fs::path victim)
      : name_(std::move(name)), victim_(std::move(victim)), thread_([this] { run(); }) {}
  ~Attacker() {
    stopping_ = true;
    thread_.join();
  }
  [[nodiscard]] int swaps() const { return swaps_; }

 private:
  void run() {
    std::mt19937 random(5);
    const fs::path made = name_.parent_path() / "swap";
    while (!stopping_) {
      std::error_code ignored;
      fs::remove_all(made, ignored);
      switch (random() % 6) {
        case 0: fs::create_symlink(victim_, made, ignored); break;
        case 1: fs::create_directory_symlink(victim_.parent_path(), made, ignored); break;
        case 2: fs::create_directory(made, ignored); break;
        case 3: ::mkfifo(made.c_str(), 0600); break;
        case 4: fs::create_hard_link(victim_, made, ignored); break;
        default: fs::remove(name_, ignored); continue;
      }
      // An exchange works whatever stands there; a rename only over what is alike.
      if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, name_.c_str(), RENAME_EXCHANGE) != 0)
        fs::rename(made, name_, ignored);
      ++swaps_;
    }
  }

  fs::path name_;
  fs::path victim_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> swaps_{0};
  std::thread thread_;
};

asio::awaitable<void> transfer(bgxfer::Storage& disk, FilePlace place, int& committed) {
  Result<std::unique_ptr<bgxfer::PartialFile>> opened = co_await disk.open(OpenPartial(place));
  if (!opened) co_return;
  static constexpr std::string_view text = "bytes of the transfer";
  Result<void> written = co_await (*opened)->write(0, std::as_bytes(std::span(text)));
  if (!written) co_return;
  std::vector<CommitFile> batch;
  batch.emplace_back(place);
  batch.back().identity = (*opened)->identity();
  opened->reset();
  const CommitReport report = co_await disk.commit(batch);
  if (!report.error) ++committed;
}

/// Transfers under attack on one of the two names, and says what the folder outside looks like afterwards.
void hold_against_attack(bool on_target, int rounds) {
  DiskWorld world;
  TemporaryFolder outside;
  const fs::path victim = outside.path() / "victim";
  world.put(victim, "precious");
  struct stat before {};
  REQUIRE(::stat(victim.c_str(), &before) == 0);

  FilePlace place;
  place.target = world.folder() / "file";
  place.temporary_name = "file.partial";
  int committed = 0;
  int swaps = 0;
  {
    Attacker attacker(on_target ? place.target : place.temporary(), victim);
    for (int i = 0; i < rounds; ++i) world.run(transfer(*world.disk, place, committed));
    swaps = attacker.swaps();
  }
  CHECK(swaps > 0);
  MESSAGE(rounds << " transfers, " << committed << " committed, " << swaps << " swaps");

  CHECK(world.contents(victim) == "precious");
  struct stat after {};
  REQUIRE(::stat(victim.c_str(), &after) == 0);
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec);
  CHECK(std::distance(fs::directory_iterator(outside.path()), fs::directory_iterator()) == 1);
}

}  // namespace

TEST_CASE("links, folders, FIFOs and second names that come and go under the temporary name lead nowhere") {
  hold_against_attack(false, 1000);
}

TEST_CASE("links, folders, FIFOs and second names that come and go under the final name lead nowhere") {
  hold_against_attack(true, 1000);
}

TEST_CASE("a folder that is swapped for a link to another one in mid-transfer gets nothing of it") {
  DiskWorld world;
  TemporaryFolder outside;
  const fs::path folder = world.folder() / "folder";
  const fs::path away = world.folder() / "away";
  fs::create_directory(folder);
  FilePlace place;
  place.target = folder / "file";
  place.temporary_name = "file.partial";

  std::atomic<bool> stopping{false};
  std::thread attacker([&] {
    // Somebody else's link: as root it is given away, else the process's own link is one that it may follow. Before it
    // takes the folder's name, or it would be the process's own there for a moment.
    const fs::path link = world.folder() / "link";
    while (!stopping) {
      std::error_code ignored;
      fs::create_directory_symlink(outside.path(), link, ignored);
      if (::geteuid() == 0) (void)!::lchown(link.c_str(), 65534, 65534);
      fs::rename(folder, away, ignored);
      fs::rename(link, folder, ignored);
      std::this_thread::yield();
      fs::remove(folder, ignored);
      fs::rename(away, folder, ignored);
    }
  });
  int committed = 0;
  for (int i = 0; i < 1000; ++i) world.run(transfer(*world.disk, place, committed));
  stopping = true;
  attacker.join();
  if (::geteuid() != 0) return;
  CHECK(fs::is_empty(outside.path()));
}

namespace {

/// A transport to nowhere, for jobs that need none.
class Nowhere final : public bgxfer::Transport {
 public:
  Result<void> check_url(std::string_view) const override { return {}; }
  asio::awaitable<Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request) override {
    co_return bgxfer::Error(bgxfer::http_status(404), bgxfer::ErrorContext::remote_file);
  }
  void network_changed() noexcept override {}
};

/// A journal with right checksums of one job that is being completed: its file is to get the name `target`.
std::string forged_journal(const std::string& target, const std::string& epoch) {
  using namespace bgxfer::detail;
  JobRecord job;
  job.id = *bgxfer::JobId::parse("01234567-89ab-4def-8123-456789abcdef");
  job.state = bgxfer::JobState::transferred;
  job.committing = true;
  FileRecord file;
  file.url = "http://h/x";
  file.target = target;
  file.size = 4;
  file.stage = FileStage::finished;
  file.known().identity.inode = 4711;
  job.files.push_back(std::move(file));

  FileHeader header;
  header.file_id.fill(std::byte{7});
  std::vector<std::byte> bytes(header_bytes);
  put_header(bytes, header);
  FrameWriter writer(header.file_id, header.base_seq);
  encode(Session{epoch, header.file_id}, writer, bytes);
  describe(job, [&](const Change& change) { encode(change, writer, bytes); });
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

asio::awaitable<void> restore(bgxfer::TransferQueue& queue, std::optional<bgxfer::Error>& error, std::size_t& jobs) {
  const Result<bgxfer::RestoreReport> report = co_await queue.restored();
  if (!report) co_return;
  for (const bgxfer::Job& job : queue.jobs()) {
    ++jobs;
    const Result<void> completed = co_await job.completed();
    if (!completed) error = completed.error();
  }
  queue.close();
  co_await queue.closed();
}

}  // namespace

TEST_CASE("a journal that was edited by hand, checksums and all, leads nowhere") {
  DiskWorld world;
  TemporaryFolder outside;
  const fs::path victim = outside.path() / "victim";
  world.put(victim, "precious");
  const std::string way = (world.folder() / ".." / outside.path().filename()).string();
  for (const std::string& target : {way + "/victim", way + "/CON", std::string("victim"), way + "/.."}) {
    CAPTURE(target);
    const fs::path journal = world.folder() / "journal";
    world.put(journal, forged_journal(target, world.disk->epoch()));
    std::optional<bgxfer::Error> error;
    std::size_t jobs = 0;
    {
      bgxfer::QueueOptions options;
      options.transport = std::make_shared<Nowhere>();
      options.storage = world.disk;
      options.journal = journal;
      bgxfer::TransferQueue queue(world.io.get_executor(), options);
      world.run(restore(queue, error, jobs));
    }
    // The journal's reader drops a file without an absolute path; the storage refuses what leads elsewhere.
    CHECK(jobs == 1);
    CHECK(error.has_value() == target.starts_with('/'));
    if (error) CHECK(error->code() == bgxfer::Errc::unsafe_target);
    CHECK(world.contents(victim) == "precious");
    CHECK(std::distance(fs::directory_iterator(outside.path()), fs::directory_iterator()) == 1);
    for (const auto& entry : fs::directory_iterator(world.folder())) fs::remove(entry.path());
  }
}
