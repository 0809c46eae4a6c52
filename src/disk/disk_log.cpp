#include "disk_log.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bgxfer::inline v0::disk::detail {

namespace {

constexpr std::size_t log_copy_chunk_bytes = 64 * 1024;
constexpr std::size_t lock_bytes_max = 20;  // A process id and a line feed.

// Opens a file that the log needs, and refuses what somebody else put there.
std::error_code open_own_file(Descriptor& into, const Folder& folder, const std::string& name, OpenMode mode,
                              FileFacts& facts) {
  const std::error_code unsafe = make_error_code(Errc::unsafe_target);
  std::error_code failed = open_at(into, folder.get(), name, mode);
  if (failed == std::errc::too_many_symbolic_link_levels || failed == std::errc::no_such_device_or_address)
    return unsafe;
  if (!failed) failed = facts_of(into.get(), facts);
  if (failed) return failed;
  return facts.is_ours_alone() ? failed : unsafe;
}

std::string text_of_lock(const Descriptor& lock) {
  std::array<std::byte, lock_bytes_max> text{};
  std::size_t count = 0;
  if (read_at(lock.get(), 0, text, count)) return {};
  std::string owner;
  for (std::size_t i = 0; i < count && text[i] >= std::byte{'0'} && text[i] <= std::byte{'9'}; ++i) {
    owner += static_cast<char>(text[i]);
  }
  return owner;
}

/// The right to write to a log, until it is destroyed.
///
/// The lock file of a log that was written to stays for ever. That of a file that turned out to be no log is taken
/// away again, and whoever locks one makes sure that it still has its name.
class LogLock {
 public:
  LogLock(Descriptor file, std::shared_ptr<const Folder> folder, std::string name, bool made)
      : file_(std::move(file)), folder_(std::move(folder)), name_(std::move(name)), made_(made) {}
  LogLock(LogLock&& other) noexcept
      : file_(std::move(other.file_)),
        folder_(std::move(other.folder_)),
        name_(std::move(other.name_)),
        made_(std::exchange(other.made_, false)) {}
  LogLock& operator=(LogLock&&) = delete;
  ~LogLock() {
    if (made_) unlink_at(folder_->get(), name_);
  }

  /// The file beside it is a log: from here on the lock file stays.
  void keep() noexcept { made_ = false; }

 private:
  Descriptor file_;
  std::shared_ptr<const Folder> folder_;
  std::string name_;
  bool made_;
};

Result<LogLock> lock_log(const std::shared_ptr<const Folder>& folder, const std::string& name,
                         const std::filesystem::path& path) {
  const std::string lock_name = name + ".lock";
  Descriptor lock;
  FileFacts facts;
  std::error_code failed;
  for (bool named = false; !named;) {
    failed = open_own_file(lock, *folder, lock_name, OpenMode::lock, facts);
    if (failed) return file_error(failed, path.string() + ".lock");
    if (facts.size > lock_bytes_max) {
      return Error(Errc::unsafe_target, ErrorContext::local_file,
                   path.string() + ".lock is not a lock file of bgxfer; give the journal another name");
    }
    failed = try_lock(lock.get());
    FileFacts now;
    named = failed || (!facts_at(folder->get(), lock_name, now) && now.identity == facts.identity);
  }
  if (failed == std::errc::operation_would_block) {
    const std::string owner = text_of_lock(lock);
    const std::string who = owner.empty() ? "another process" : "process " + owner;
    return Error(Errc::journal_locked, ErrorContext::local_file, path.string() + " is in use by " + who);
  }
  const std::string id = process_id() + "\n";
  if (!failed) failed = resize(lock.get(), 0);
  if (!failed) failed = write_at(lock.get(), 0, std::as_bytes(std::span(id)));
  // A full disk cannot name the owner, but the lock holds all the same.
  if (failed && failed != std::errc::no_space_on_device) return file_error(failed, path.string() + ".lock");
  return LogLock(std::move(lock), folder, lock_name, facts.size == 0);
}

class DiskLog final : public LogFile {
 public:
  DiskLog(std::shared_ptr<const Folder> folder, std::shared_ptr<Worker> worker, std::filesystem::path path,
          std::uint64_t bytes_max, LogLock lock, Descriptor file, const FileFacts& facts)
      : lock_(std::move(lock)),
        folder_(std::move(folder)),
        worker_(std::move(worker)),
        path_(std::move(path)),
        name_(path_.filename().string()),
        bytes_max_(bytes_max),
        file_(std::make_shared<Descriptor>(std::move(file))),
        end_(facts.size),
        preallocated_(facts.size),
        open_to_others_((facts.mode & 0077) != 0) {}

  asio::awaitable<Result<std::vector<std::byte>>> read_all() override {
    FileFacts facts;
    std::error_code failed = facts_of(file_->get(), facts);
    if (!failed && facts.size > bytes_max_) failed = std::make_error_code(std::errc::file_too_large);
    if (failed) co_return file_error(failed, path_);
    std::vector<std::byte> contents(static_cast<std::size_t>(facts.size));
    std::size_t count = 0;
    failed = read_at(file_->get(), 0, contents, count);
    if (failed) co_return file_error(failed, path_);
    contents.resize(count);
    co_return contents;
  }

  asio::awaitable<Result<void>> append(std::span<const std::byte> bytes) override {
    if (const std::error_code failed = claim()) co_return file_error(failed, path_);
    if (end_ + bytes.size() > preallocated_) {
      const std::uint64_t steps = (end_ + bytes.size() - preallocated_) / log_preallocation_bytes + 1;
      // Only for speed: if there is no room, the write will tell.
      if (!preallocate(file_->get(), preallocated_, steps * log_preallocation_bytes)) {
        preallocated_ += steps * log_preallocation_bytes;
      }
    }
    const std::error_code failed = write_with_reserve(*file_, bytes);
    if (failed) co_return file_error(failed, path_);
    end_ += bytes.size();
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync() override {
    const bool name_too = !name_is_durable_;
    std::function<std::error_code()> call = [file = file_, folder = folder_, name_too] {
      std::error_code failed = sync_data(file->get());
      if (!failed && name_too) failed = sync_all(folder->get());
      return failed;
    };
    const std::error_code failed = co_await Worker::run(worker_, std::move(call));
    if (failed) co_return file_error(failed, path_);
    name_is_durable_ = true;
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::function<std::error_code()> call = [file = file_, folder = folder_, name = name_, offset,
                                             own = std::vector<std::byte>(bytes.begin(), bytes.end())] {
      return overwrite(*file, *folder, name, offset, own);
    };
    const std::error_code failed = co_await Worker::run(worker_, std::move(call));
    if (failed) co_return file_error(failed, path_);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> replace(std::span<const std::byte> contents) override {
    const std::string fresh_name = name_ + ".new";
    const std::shared_ptr<Descriptor> fresh = std::make_shared<Descriptor>();
    std::error_code failed = unlink_at(folder_->get(), fresh_name);
    if (!failed || failed == std::errc::no_such_file_or_directory) {
      failed = open_at(*fresh, folder_->get(), fresh_name, OpenMode::create_log);
    }
    if (!failed) failed = write_with_reserve(*fresh, contents);
    if (failed) {
      unlink_at(folder_->get(), fresh_name);
      co_return file_error(failed, path_);
    }
    std::function<std::error_code()> call = [fresh, fresh_name, folder = folder_, name = name_] {
      std::error_code bad = sync_all(fresh->get());
      if (!bad) bad = rename_at(folder->get(), fresh_name, name);
      if (bad) {
        unlink_at(folder->get(), fresh_name);
        return bad;
      }
      return sync_all(folder->get());
    };
    failed = co_await Worker::run(worker_, std::move(call));
    if (failed) co_return file_error(failed, path_);
    file_ = fresh;
    claimed_ = true;
    lock_.keep();
    end_ = contents.size();
    preallocated_ = end_;
    name_is_durable_ = true;
    take_reserve();
    co_return Result<void>();
  }

  asio::awaitable<Result<std::filesystem::path>> keep_copy() override {
    std::function<Result<std::string>()> call = [file = file_, folder = folder_, name = name_, path = path_] {
      return copy_log(*file, *folder, name, path);
    };
    const Result<std::string> copied = co_await Worker::run(worker_, std::move(call));
    if (!copied) co_return copied.error();
    co_return path_.parent_path() / *copied;
  }

 private:
  // The file is known to be a log now: it is made nobody else's business, for it names files and URLs, and what
  // belongs beside it is made. A stranger's file that was named by mistake never gets here, and stays as it is.
  std::error_code claim() {
    if (std::exchange(claimed_, true)) return {};
    if (open_to_others_) {
      const std::error_code failed = set_mode(file_->get(), 0600);
      if (failed) return failed;
    }
    unlink_at(folder_->get(), name_ + ".new");  // Of a rewrite that a crash interrupted.
    lock_.keep();
    take_reserve();
    return {};
  }

  static Result<std::string> copy_log(const Descriptor& file, const Folder& folder, const std::string& name,
                                      const std::filesystem::path& path);

  // The log's own descriptor writes at the end only.
  static std::error_code overwrite(const Descriptor& log, const Folder& folder, const std::string& name,
                                   std::uint64_t offset, std::span<const std::byte> bytes) {
    FileFacts meant;
    if (const std::error_code failed = facts_of(log.get(), meant)) return failed;
    Descriptor file;
    FileFacts facts;
    if (const std::error_code failed = open_own_file(file, folder, name, OpenMode::existing, facts)) return failed;
    if (facts.identity != meant.identity) return make_error_code(Errc::unsafe_target);
    return write_at(file.get(), offset, bytes);
  }

  // Writes at the end; on a full disk with what the reserve gives back.
  std::error_code write_with_reserve(const Descriptor& file, std::span<const std::byte> bytes) {
    std::size_t done = 0;
    std::error_code failed = append_bytes(file.get(), bytes, done);
    if (failed != std::errc::no_space_on_device || !has_reserve_) return failed;
    has_reserve_ = false;
    if (const std::error_code kept = unlink_at(folder_->get(), name_ + ".reserve")) return kept;
    bytes = bytes.subspan(done);
    return append_bytes(file.get(), bytes, done);
  }

  // Best effort: without it, a full disk is noticed one append earlier.
  void take_reserve() {
    if (has_reserve_) return;
    const std::string reserve_name = name_ + ".reserve";
    Descriptor reserve;
    FileFacts facts;
    std::error_code failed = open_own_file(reserve, *folder_, reserve_name, OpenMode::lock, facts);
    if (!failed) failed = preallocate(reserve.get(), 0, log_reserve_bytes);
    has_reserve_ = !failed;
    if (failed && failed != make_error_code(Errc::unsafe_target)) unlink_at(folder_->get(), reserve_name);
  }

  LogLock lock_;  // first in, last out
  std::shared_ptr<const Folder> folder_;
  std::shared_ptr<Worker> worker_;
  std::filesystem::path path_;
  std::string name_;
  std::uint64_t bytes_max_;
  std::shared_ptr<Descriptor> file_;  // shared with a sync that outlives its coroutine
  std::uint64_t end_;
  std::uint64_t preallocated_;
  bool open_to_others_;
  bool claimed_ = false;
  bool name_is_durable_ = false;
  bool has_reserve_ = false;
};

Result<std::string> DiskLog::copy_log(const Descriptor& file, const Folder& folder, const std::string& name,
                                      const std::filesystem::path& path) {
  Descriptor copy;
  std::string copy_name;
  std::error_code failed = std::make_error_code(std::errc::file_exists);
  for (std::uint64_t n = 1; n <= log_copies_max && failed == std::errc::file_exists; ++n) {
    copy_name = name + ".damaged-" + std::to_string(n);
    failed = open_at(copy, folder.get(), copy_name, OpenMode::create_log);
  }
  if (failed) return file_error(failed, path);
  std::vector<std::byte> chunk(log_copy_chunk_bytes);
  std::uint64_t offset = 0;
  std::size_t count = 0;
  do {
    failed = read_at(file.get(), offset, chunk, count);
    std::size_t written = 0;
    if (!failed) failed = append_bytes(copy.get(), std::span(chunk).first(count), written);
    offset += count;
  } while (!failed && count == chunk.size());
  if (!failed) failed = sync_all(copy.get());
  if (!failed) failed = sync_all(folder.get());
  if (failed) {
    unlink_at(folder.get(), copy_name);
    return file_error(failed, path);
  }
  return copy_name;
}

}  // namespace

Result<std::unique_ptr<LogFile>> open_disk_log(Folders& folders, std::shared_ptr<Worker> worker,
                                               const std::filesystem::path& path, std::uint64_t bytes_max) {
  Result<std::shared_ptr<const Folder>> folder = folders.get_current(folder_of(path));
  if (!folder) return folder.error();
  const std::string name = path.filename().string();
  Result<LogLock> lock = lock_log(*folder, name, path);
  if (!lock) return lock.error();
  Descriptor file;
  FileFacts facts;
  const std::error_code failed = open_own_file(file, **folder, name, OpenMode::log, facts);
  if (failed) return file_error(failed, path);
  return std::unique_ptr<LogFile>(
      std::make_unique<DiskLog>(*folder, std::move(worker), path, bytes_max, *std::move(lock), std::move(file), facts));
}

}  // namespace bgxfer::inline v0::disk::detail
