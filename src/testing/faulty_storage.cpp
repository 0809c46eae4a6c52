#include <bgxfer/testing/faulty_storage.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <set>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include "../base/file_name.hpp"
#include "../base/mutant.hpp"
#include "faulty_disk.hpp"

namespace bgxfer::inline v0::testing {

namespace detail {

enum class DiskOperation : std::uint8_t {
  open,
  make,
  unlink,
  rename,
  read,
  write,
  resize,
  reserve,
  sync,
  sync_folder,
  look
};

}  // namespace detail

namespace {

using detail::DiskOperation;

constexpr std::array<std::string_view, 11> disk_operation_names{
    "open", "make", "unlink", "rename", "read", "write", "resize", "reserve", "sync", "sync folder", "look"};

Error disk_error(std::error_code code, const std::string& path) { return Error(code, ErrorContext::local_file, path); }

Error disk_error(std::errc code, const std::string& path) { return disk_error(std::make_error_code(code), path); }

}  // namespace

// The disk, its faults, and whose turn it is to use it.
class FaultyStorage::Disk {
 public:
  Disk(std::shared_ptr<Clock> world_clock, std::uint64_t seed)
      : clock(std::move(world_clock)), random(seed), files(random) {
    assert(clock);
  }

  /// Counts one operation and says how it ends. Does not resolve if power was lost or the caller's life is over.
  asio::awaitable<std::error_code> begin(std::uint64_t caller_life, DiskOperation operation, const std::string& path,
                                         std::uint64_t offset = 0, std::uint64_t length = 0) {
    if (latency_max > Clock::Duration::zero()) co_await clock->sleep_until(clock->now() + latency());
    if (caller_life == life && !powered_off) {
      ++operations;
      remember(operation, path, offset, length);
      if (operations == cut_at) lose_power();
    }
    if (caller_life != life || powered_off) {
      // Not even cancellation reaches a dead process.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      for (;;) co_await clock->sleep_until(Clock::TimePoint::max());
    }
    co_return verdict(operation);
  }

  // The verbs below are one operation each, with what a failure does to the disk.

  asio::awaitable<Result<void>> write(std::uint64_t caller_life, const std::string& path, detail::DiskFile& file,
                                      std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::error_code failed = co_await begin(caller_life, DiskOperation::write, path, offset, bytes.size());
    if (failed) {
      files.write(file, offset, bytes.first(static_cast<std::size_t>(random.below(bytes.size() + 1))));
      co_return disk_error(failed, path);
    }
    if (!files.write(file, offset, bytes)) co_return disk_error(std::errc::no_space_on_device, path);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync(std::uint64_t caller_life, const std::string& path, detail::DiskFile& file) {
    const std::error_code failed = co_await begin(caller_life, DiskOperation::sync, path);
    if (failed) {
      files.fail_sync(file);
      co_return disk_error(failed, path);
    }
    files.sync(file);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync_folder(std::uint64_t caller_life, const std::string& folder) {
    const std::error_code failed = co_await begin(caller_life, DiskOperation::sync_folder, folder);
    if (failed) {
      files.fail_sync_folder(folder);
      co_return disk_error(failed, folder);
    }
    files.sync_folder(folder);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> unlink(std::uint64_t caller_life, const std::string& path) {
    const std::error_code failed = co_await begin(caller_life, DiskOperation::unlink, path);
    if (failed) co_return disk_error(failed, path);
    files.unlink(path);
    co_return Result<void>();
  }

  /// A new file with these contents, durable but for its name.
  asio::awaitable<Result<detail::FaultyDisk::File>> write_whole(std::uint64_t caller_life, const std::string& path,
                                                                std::span<const std::byte> bytes) {
    const std::error_code failed = co_await begin(caller_life, DiskOperation::make, path);
    if (failed) co_return disk_error(failed, path);
    const detail::FaultyDisk::File file = files.make(path);
    const Result<void> written = co_await write(caller_life, path, *file, 0, bytes);
    if (!written) co_return give_up(path, written.error());
    const Result<void> synced = co_await sync(caller_life, path, *file);
    if (!synced) co_return give_up(path, synced.error());
    co_return file;
  }

  void lose_power() {
    powered_off = true;
    if (cut_hook) cut_hook();
  }

  void end_life() {
    ++life;
    locked_logs.clear();
  }

  std::shared_ptr<Clock> clock;
  detail::Random random;
  detail::FaultyDisk files;
  FaultRates rates;
  Clock::Duration latency_min{0};
  Clock::Duration latency_max{0};
  std::uint64_t operations = 0;
  std::uint64_t fail_first = 0;  // 0: no plan
  std::uint64_t fail_last = 0;
  std::error_code fail_code;
  std::uint64_t cut_at = 0;
  std::function<void()> cut_hook;
  bool powered_off = false;
  std::uint64_t life = 1;
  std::uint64_t cuts = 0;
  std::set<std::string> locked_logs;

  struct Memory {
    DiskOperation operation;
    std::string path;
    std::uint64_t offset;
    std::uint64_t length;
  };
  std::array<Memory, FaultyStorage::history_max> history{};

 private:
  /// How long the next operation takes.
  Clock::Duration latency() {
    if (latency_min == latency_max) return latency_max;
    const auto spread = static_cast<std::uint64_t>((latency_max - latency_min).count());
    return latency_min + Clock::Duration(static_cast<Clock::Duration::rep>(random.below(spread + 1)));
  }

  void remember(DiskOperation operation, const std::string& path, std::uint64_t offset, std::uint64_t length) {
    Memory& memory = history[operations % history.size()];
    memory.operation = operation;
    memory.path = path;
    memory.offset = offset;
    memory.length = length;
  }

  std::error_code verdict(DiskOperation operation) {
    if (fail_first != 0 && operations >= fail_first && operations <= fail_last) return fail_code;
    const double rate = rate_of(operation);
    // Without a rate nothing is drawn, so a switched-off fault does not change the rest of the run.
    if (rate > 0 && random.chance(rate)) return std::make_error_code(std::errc::io_error);
    return {};
  }

  double rate_of(DiskOperation operation) const {
    switch (operation) {
      case DiskOperation::open:
      case DiskOperation::make: return rates.open;
      case DiskOperation::read: return rates.read;
      case DiskOperation::write:
      case DiskOperation::resize:
      case DiskOperation::reserve: return rates.write;
      case DiskOperation::sync:
      case DiskOperation::sync_folder: return rates.sync;
      case DiskOperation::rename: return rates.rename;
      case DiskOperation::unlink:
      case DiskOperation::look: break;
    }
    return 0;
  }

  Error give_up(const std::string& path, Error why) {
    files.unlink(path);
    return why;
  }
};

class FaultyStorage::Partial final : public PartialFile {
 public:
  Partial(std::shared_ptr<Disk> disk, detail::FaultyDisk::File file, std::string path)
      : disk_(std::move(disk)), file_(std::move(file)), path_(std::move(path)), life_(disk_->life) {}

  FileIdentity identity() const noexcept override { return FileIdentity{1, file_->number}; }

  asio::awaitable<Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return disk_->write(life_, path_, *file_, offset, bytes);
  }

  asio::awaitable<Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) override {
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::read, path_, offset, into.size());
    if (failed) co_return disk_error(failed, path_);
    const std::vector<std::byte>& live = file_->live;
    if (offset >= live.size()) co_return std::size_t{0};
    const auto position = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(into.size(), live.size() - position);
    std::copy_n(live.begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
    co_return count;
  }

  asio::awaitable<Result<std::uint64_t>> size() override {
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::look, path_);
    if (failed) co_return disk_error(failed, path_);
    co_return std::uint64_t{file_->live.size()};
  }

  asio::awaitable<Result<void>> resize(std::uint64_t bytes) override {
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::resize, path_, 0, bytes);
    if (failed) co_return disk_error(failed, path_);
    if (!disk_->files.resize(*file_, bytes)) co_return disk_error(std::errc::no_space_on_device, path_);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> reserve(std::uint64_t bytes) override {
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::reserve, path_, 0, bytes);
    if (failed) co_return disk_error(failed, path_);
    if (!disk_->files.reserve(*file_, bytes)) co_return disk_error(std::errc::no_space_on_device, path_);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync() override {
    const Result<void> synced = co_await disk_->sync(life_, path_, *file_);
    if (!synced || disk_->files.has_durable_name(path_, file_) || BGXFER_MUTANT(10)) co_return synced;
    const std::string folder = detail::FaultyDisk::folder_of(path_);
    co_return co_await disk_->sync_folder(life_, folder);
  }

 private:
  std::shared_ptr<Disk> disk_;
  detail::FaultyDisk::File file_;
  std::string path_;
  std::uint64_t life_;
};

class FaultyStorage::Log final : public LogFile {
 public:
  Log(std::shared_ptr<Disk> disk, detail::FaultyDisk::File file, std::string path)
      : disk_(std::move(disk)), file_(std::move(file)), path_(std::move(path)), life_(disk_->life) {
    disk_->locked_logs.insert(path_);
    has_reserve_ = disk_->files.take_room(reserve_bytes);
  }

  ~Log() override {
    if (life_ != disk_->life) return;
    disk_->locked_logs.erase(path_);
    if (has_reserve_) disk_->files.give_room(reserve_bytes);
  }

  asio::awaitable<Result<std::vector<std::byte>>> read_all() override {
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::read, path_);
    if (failed) co_return disk_error(failed, path_);
    co_return std::vector<std::byte>(file_->live);
  }

  asio::awaitable<Result<void>> append(std::span<const std::byte> bytes) override {
    if (has_reserve_ && bytes.size() > disk_->files.free()) {
      disk_->files.give_room(reserve_bytes);
      has_reserve_ = false;
    }
    return disk_->write(life_, path_, *file_, file_->live.size(), bytes);
  }

  asio::awaitable<Result<void>> sync() override {
    const Result<void> synced = co_await disk_->sync(life_, path_, *file_);
    if (!synced || disk_->files.has_durable_name(path_, file_)) co_return synced;
    const std::string folder = detail::FaultyDisk::folder_of(path_);
    co_return co_await disk_->sync_folder(life_, folder);
  }

  asio::awaitable<Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return disk_->write(life_, path_, *file_, offset, bytes);
  }

  asio::awaitable<Result<void>> replace(std::span<const std::byte> contents) override {
    const std::string fresh = path_ + ".new";
    const Result<detail::FaultyDisk::File> written = co_await disk_->write_whole(life_, fresh, contents);
    if (!written) co_return written.error();
    const std::error_code failed = co_await disk_->begin(life_, DiskOperation::rename, fresh);
    if (failed) co_return disk_error(failed, path_);
    disk_->files.rename(fresh, path_);
    file_ = *written;
    if (BGXFER_MUTANT(3)) co_return Result<void>();
    const std::string folder = detail::FaultyDisk::folder_of(path_);
    const Result<void> named = co_await disk_->sync_folder(life_, folder);
    if (named && !has_reserve_) has_reserve_ = disk_->files.take_room(reserve_bytes);
    co_return named;
  }

  asio::awaitable<Result<std::filesystem::path>> keep_copy() override {
    std::uint64_t number = 1;
    while (disk_->files.find(path_ + ".damaged-" + std::to_string(number))) ++number;
    const std::string copy = path_ + ".damaged-" + std::to_string(number);
    const std::vector<std::byte> contents = file_->live;
    const Result<detail::FaultyDisk::File> written = co_await disk_->write_whole(life_, copy, contents);
    if (!written) co_return written.error();
    const std::string folder = detail::FaultyDisk::folder_of(path_);
    const Result<void> named = co_await disk_->sync_folder(life_, folder);
    if (!named) co_return named.error();
    co_return std::filesystem::path(copy);
  }

 private:
  static constexpr std::uint64_t reserve_bytes = 64 * 1024;

  std::shared_ptr<Disk> disk_;
  detail::FaultyDisk::File file_;
  std::string path_;
  std::uint64_t life_;
  bool has_reserve_ = false;
};

FaultyStorage::FaultyStorage(std::shared_ptr<Clock> clock, std::uint64_t seed)
    : disk_(std::make_shared<Disk>(std::move(clock), seed)) {}

FaultyStorage::~FaultyStorage() = default;

std::uint64_t FaultyStorage::operations() const noexcept { return disk_->operations; }

void FaultyStorage::fail_at(std::uint64_t number, std::error_code code) {
  disk_->fail_first = number;
  disk_->fail_last = number;
  disk_->fail_code = code;
}

void FaultyStorage::fail_from(std::uint64_t number, std::error_code code) {
  disk_->fail_first = number;
  disk_->fail_last = std::numeric_limits<std::uint64_t>::max();
  disk_->fail_code = code;
}

void FaultyStorage::cut_power_at(std::uint64_t number) { disk_->cut_at = number; }

void FaultyStorage::on_power_cut(std::function<void()> hook) { disk_->cut_hook = std::move(hook); }

void FaultyStorage::set_rates(FaultRates rates) { disk_->rates = rates; }

void FaultyStorage::heal() {
  disk_->rates = FaultRates();
  disk_->fail_first = 0;
  disk_->cut_at = 0;
}

void FaultyStorage::set_capacity(std::uint64_t bytes) { disk_->files.set_capacity(bytes); }

void FaultyStorage::set_latency(Clock::Duration least, Clock::Duration most) {
  assert(least <= most);
  disk_->latency_min = least;
  disk_->latency_max = most;
}

bool FaultyStorage::powered_off() const noexcept { return disk_->powered_off; }

void FaultyStorage::power_cut() {
  begin_next_life();
  disk_->files.power_cut();
}

void FaultyStorage::begin_next_life() {
  disk_->powered_off = false;
  disk_->cut_at = 0;
  ++disk_->cuts;
  disk_->end_life();
}

std::size_t FaultyStorage::unsynced() const { return disk_->files.unsynced(); }

void FaultyStorage::power_cut(std::uint64_t survivors) {
  begin_next_life();
  disk_->files.power_cut(survivors);
}

void FaultyStorage::process_crash() {
  // Room that logs kept in reserve is theirs no more.
  disk_->end_life();
  disk_->files.count_again();
}

std::uint64_t FaultyStorage::power_cuts() const noexcept { return disk_->cuts; }

std::optional<std::vector<std::byte>> FaultyStorage::contents(const std::filesystem::path& path) const {
  const detail::FaultyDisk::File file = disk_->files.find(path.string());
  if (!file) return std::nullopt;
  return file->live;
}

std::optional<std::vector<std::byte>> FaultyStorage::durable_contents(const std::filesystem::path& path) const {
  const detail::FaultyDisk::File file = disk_->files.find_durable(path.string());
  if (!file) return std::nullopt;
  return file->durable;
}

void FaultyStorage::put(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::string name = path.string();
  const detail::FaultyDisk::File file = disk_->files.make(name, bytes.size());
  disk_->files.write(*file, 0, bytes);
  disk_->files.sync(*file);
  disk_->files.sync_folder(detail::FaultyDisk::folder_of(name));
}

void FaultyStorage::put(const std::filesystem::path& path, std::string_view text) {
  put(path, std::as_bytes(std::span(text)));
}

bool FaultyStorage::remove(const std::filesystem::path& path) {
  const std::string name = path.string();
  const bool was_there = disk_->files.unlink(name);
  disk_->files.sync_folder(detail::FaultyDisk::folder_of(name));
  return was_there;
}

std::vector<std::filesystem::path> FaultyStorage::names() const {
  std::vector<std::filesystem::path> all;
  for (std::string& name : disk_->files.names()) all.emplace_back(std::move(name));
  return all;
}

std::uint64_t FaultyStorage::used_bytes() const noexcept { return disk_->files.used(); }

std::vector<std::string> FaultyStorage::history() const {
  std::vector<std::string> lines;
  const std::uint64_t last = disk_->operations;
  for (std::uint64_t n = last > history_max ? last - history_max + 1 : 1; n <= last; ++n) {
    const Disk::Memory& memory = disk_->history[n % history_max];
    // Appended piece by piece: g++ 12 takes a chain of operator+ for an overlapping copy.
    std::string line = std::to_string(n);
    line.append(" ").append(disk_operation_names[static_cast<std::size_t>(memory.operation)]);
    line.append(" ").append(memory.path);
    if (memory.length != 0) {
      line.append(" ").append(std::to_string(memory.offset)).append("+").append(std::to_string(memory.length));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<void> FaultyStorage::check_target(const std::filesystem::path& target) const {
  return bgxfer::detail::check_target_text(target);
}

asio::awaitable<Result<std::unique_ptr<PartialFile>>> FaultyStorage::open(OpenPartial request) {
  const Result<void> lawful = bgxfer::detail::check_place_text(request.place.target, request.place.temporary_name);
  if (!lawful) co_return lawful.error();
  const std::shared_ptr<Disk> disk = disk_;
  const std::uint64_t life = disk->life;
  const std::string path = request.place.temporary().string();
  if (request.expected) {
    const std::error_code failed = co_await disk->begin(life, DiskOperation::open, path);
    if (failed) co_return disk_error(failed, path);
    detail::FaultyDisk::File file = disk->files.find(path);
    if (!file || FileIdentity{1, file->number} != *request.expected) {
      co_return Error(Errc::partial_file_changed, ErrorContext::local_file, path);
    }
    co_return std::make_unique<Partial>(disk, std::move(file), path);
  }
  if (disk->files.find(path)) {
    const Result<void> removed = co_await disk->unlink(life, path);
    if (!removed) co_return removed.error();
  }
  const std::error_code failed = co_await disk->begin(life, DiskOperation::make, path);
  if (failed) co_return disk_error(failed, path);
  co_return std::make_unique<Partial>(disk, disk->files.make(path), path);
}

asio::awaitable<Result<void>> FaultyStorage::sync(std::span<const FilePlace> files) {
  const std::shared_ptr<Disk> disk = disk_;
  const std::uint64_t life = disk->life;
  std::set<std::string> folders;
  for (const FilePlace& place : files) {
    const std::string path = place.temporary().string();
    const detail::FaultyDisk::File file = disk->files.find(path);
    if (!file) co_return disk_error(std::errc::no_such_file_or_directory, path);
    const Result<void> synced = co_await disk->sync(life, path, *file);
    if (!synced) co_return synced;
    folders.insert(detail::FaultyDisk::folder_of(path));
  }
  for (const std::string& folder : folders) {
    const Result<void> named = co_await disk->sync_folder(life, folder);
    if (!named) co_return named;
  }
  co_return Result<void>();
}

asio::awaitable<CommitReport> FaultyStorage::commit(std::span<const CommitFile> files) {
  const std::shared_ptr<Disk> disk = disk_;
  const std::uint64_t life = disk->life;
  CommitReport report;
  // Each folder with the first file of the batch that needs its sync.
  std::map<std::string, std::size_t> folders;
  for (const CommitFile& wanted : files) {
    const Result<void> lawful = bgxfer::detail::check_place_text(wanted.place.target, wanted.place.temporary_name);
    if (!lawful) {
      report.error = lawful.error();
      break;
    }
    const std::string temporary = wanted.place.temporary().string();
    const std::string target = wanted.place.target.string();
    const std::error_code failed = co_await disk->begin(life, DiskOperation::rename, temporary);
    const detail::FaultyDisk::File file = disk->files.find(temporary);
    const detail::FaultyDisk::File committed = disk->files.find(target);
    if (failed) {
      report.error = disk_error(failed, temporary);
    } else if (!file && !(committed && wanted.wants(FileIdentity{1, committed->number}))) {
      report.error = disk_error(std::errc::no_such_file_or_directory, temporary);
    } else if (file && !wanted.wants(FileIdentity{1, file->number})) {
      report.error = Error(Errc::partial_file_changed, ErrorContext::local_file, temporary);
    }
    if (report.error) break;
    disk->files.rename(temporary, target);
    folders.try_emplace(detail::FaultyDisk::folder_of(target), report.done);
    ++report.done;
  }
  for (const auto& [folder, first] : folders) {
    if (BGXFER_MUTANT(12)) break;
    const Result<void> named = co_await disk->sync_folder(life, folder);
    if (named || first >= report.done) continue;
    report.done = first;
    report.error = named.error();
  }
  co_return report;
}

asio::awaitable<Result<void>> FaultyStorage::discard(std::span<const FilePlace> files) {
  const std::shared_ptr<Disk> disk = disk_;
  const std::uint64_t life = disk->life;
  Result<void> first_failure;
  std::set<std::string> folders;
  for (const FilePlace& place : files) {
    Result<void> removed = bgxfer::detail::check_place_text(place.target, place.temporary_name);
    if (removed) {
      const std::string path = place.temporary().string();
      removed = co_await disk->unlink(life, path);
      if (removed) folders.insert(detail::FaultyDisk::folder_of(path));
    }
    if (!removed && first_failure) first_failure = removed;
  }
  for (const std::string& folder : folders) {
    const Result<void> named = co_await disk->sync_folder(life, folder);
    if (!named && first_failure) first_failure = named;
  }
  co_return first_failure;
}

asio::awaitable<Result<std::uint64_t>> FaultyStorage::free_bytes(std::filesystem::path folder) {
  const std::shared_ptr<Disk> disk = disk_;
  const std::string path = folder.string();
  const std::error_code failed = co_await disk->begin(disk->life, DiskOperation::look, path);
  if (failed) co_return disk_error(failed, path);
  co_return disk->files.limited() ? disk->files.free() : std::uint64_t{1} << 50;
}

asio::awaitable<Result<std::unique_ptr<LogFile>>> FaultyStorage::open_log(std::filesystem::path where) {
  const std::shared_ptr<Disk> disk = disk_;
  const std::uint64_t life = disk->life;
  const std::string path = where.string();
  if (disk->locked_logs.contains(path)) {
    co_return Error(Errc::journal_locked, ErrorContext::local_file, path + " is in use by this process");
  }
  const std::error_code failed = co_await disk->begin(life, DiskOperation::open, path);
  if (failed) co_return disk_error(failed, path);
  const std::string leftover = path + ".new";
  if (disk->files.find(leftover)) {
    const Result<void> removed = co_await disk->unlink(life, leftover);
    if (!removed) co_return removed.error();
  }
  // Another caller may have come first while this one waited.
  if (disk->locked_logs.contains(path)) {
    co_return Error(Errc::journal_locked, ErrorContext::local_file, path + " is in use by this process");
  }
  detail::FaultyDisk::File file = disk->files.find(path);
  if (!file) file = disk->files.make(path);
  co_return std::make_unique<Log>(disk, std::move(file), path);
}

std::string FaultyStorage::epoch() const { return "epoch-" + std::to_string(disk_->cuts); }

}  // namespace bgxfer::inline v0::testing
