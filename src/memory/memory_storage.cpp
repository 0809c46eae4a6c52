#include <bgxfer/memory/memory_storage.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "../base/file_name.hpp"

namespace bgxfer::inline v0::memory {

namespace detail {

// What a name points to. Renaming and removing change names only, so whoever has it open keeps it.
struct MemoryFile {
  explicit MemoryFile(std::uint64_t file_number) : number(file_number) {}

  const std::uint64_t number;
  std::mutex mutex;
  std::vector<std::byte> bytes;
  std::optional<std::chrono::system_clock::time_point> modified;
};

}  // namespace detail

namespace {

Error memory_error(std::errc code, const std::filesystem::path& path) {
  return Error(std::make_error_code(code), ErrorContext::local_file, path.string());
}

}  // namespace

struct MemoryStorage::Names {
  std::shared_ptr<detail::MemoryFile> find(const std::string& path) const {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : found->second;
  }

  std::shared_ptr<detail::MemoryFile> make(const std::string& path) {
    std::shared_ptr<detail::MemoryFile> file = std::make_shared<detail::MemoryFile>(++last_number);
    files[path] = file;
    return file;
  }

  std::mutex mutex;  // taken before a file's
  std::map<std::string, std::shared_ptr<detail::MemoryFile>> files;
  std::set<std::string> locked_logs;
  std::uint64_t last_number = 0;
};

namespace {

class MemoryPartial final : public PartialFile {
 public:
  MemoryPartial(std::shared_ptr<detail::MemoryFile> file, std::filesystem::path path)
      : file_(std::move(file)), path_(std::move(path)) {}

  FileIdentity identity() const noexcept override { return FileIdentity{1, file_->number}; }

  asio::awaitable<Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (bytes.size() > file_->bytes.max_size() || offset > file_->bytes.max_size() - bytes.size()) {
      co_return memory_error(std::errc::file_too_large, path_);
    }
    std::lock_guard lock(file_->mutex);
    std::vector<std::byte>& content = file_->bytes;
    const auto position = static_cast<std::size_t>(offset);
    if (content.size() < position) content.resize(position);
    const std::size_t over = std::min(bytes.size(), content.size() - position);
    std::copy_n(bytes.begin(), over, content.begin() + static_cast<std::ptrdiff_t>(position));
    content.insert(content.end(), bytes.begin() + static_cast<std::ptrdiff_t>(over), bytes.end());
    co_return Result<void>();
  }

  asio::awaitable<Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) override {
    std::lock_guard lock(file_->mutex);
    if (offset >= file_->bytes.size()) co_return std::size_t{0};
    const auto position = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(into.size(), file_->bytes.size() - position);
    std::copy_n(file_->bytes.begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
    co_return count;
  }

  asio::awaitable<Result<std::uint64_t>> size() override {
    std::lock_guard lock(file_->mutex);
    co_return std::uint64_t{file_->bytes.size()};
  }

  asio::awaitable<Result<void>> resize(std::uint64_t bytes) override {
    if (bytes > file_->bytes.max_size()) co_return memory_error(std::errc::file_too_large, path_);
    std::lock_guard lock(file_->mutex);
    file_->bytes.resize(static_cast<std::size_t>(bytes));
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> reserve(std::uint64_t bytes) override {
    if (bytes > file_->bytes.max_size()) co_return memory_error(std::errc::no_space_on_device, path_);
    std::lock_guard lock(file_->mutex);
    // No more than the limit at once: the announced length of a file is a stranger's word.
    constexpr std::uint64_t reserve_bytes_max = 64 * 1024 * 1024;
    file_->bytes.reserve(static_cast<std::size_t>(std::min(bytes, reserve_bytes_max)));
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync() override { co_return Result<void>(); }

 private:
  std::shared_ptr<detail::MemoryFile> file_;
  std::filesystem::path path_;
};

}  // namespace

namespace {

template <class Names>
class MemoryLog final : public LogFile {
 public:
  MemoryLog(std::shared_ptr<Names> names, std::filesystem::path path)
      : names_(std::move(names)), path_(std::move(path)), name_(path_.string()) {}

  ~MemoryLog() override {
    std::lock_guard lock(names_->mutex);
    names_->locked_logs.erase(name_);
  }

  asio::awaitable<Result<std::vector<std::byte>>> read_all() override {
    std::lock_guard lock(names_->mutex);
    const std::shared_ptr<detail::MemoryFile> file = names_->find(name_);
    if (!file) co_return std::vector<std::byte>();
    std::lock_guard file_lock(file->mutex);
    co_return std::vector<std::byte>(file->bytes);
  }

  asio::awaitable<Result<void>> append(std::span<const std::byte> bytes) override {
    std::lock_guard lock(names_->mutex);
    const std::shared_ptr<detail::MemoryFile> file = names_->find(name_);
    if (!file) co_return memory_error(std::errc::no_such_file_or_directory, path_);
    std::lock_guard file_lock(file->mutex);
    file->bytes.insert(file->bytes.end(), bytes.begin(), bytes.end());
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> sync() override { co_return Result<void>(); }

  asio::awaitable<Result<void>> replace(std::span<const std::byte> contents) override {
    std::lock_guard lock(names_->mutex);
    names_->make(name_)->bytes.assign(contents.begin(), contents.end());
    co_return Result<void>();
  }

  asio::awaitable<Result<std::filesystem::path>> keep_copy() override {
    std::lock_guard lock(names_->mutex);
    const std::shared_ptr<detail::MemoryFile> file = names_->find(name_);
    if (!file) co_return memory_error(std::errc::no_such_file_or_directory, path_);
    std::uint64_t number = 1;
    while (names_->find(name_ + ".damaged-" + std::to_string(number))) ++number;
    const std::string copy = name_ + ".damaged-" + std::to_string(number);
    std::lock_guard file_lock(file->mutex);
    names_->make(copy)->bytes = file->bytes;
    co_return std::filesystem::path(copy);
  }

 private:
  std::shared_ptr<Names> names_;
  std::filesystem::path path_;
  std::string name_;
};

}  // namespace

MemoryStorage::MemoryStorage() : names_(std::make_shared<Names>()) {}

MemoryStorage::~MemoryStorage() = default;

std::optional<std::vector<std::byte>> MemoryStorage::contents(const std::filesystem::path& path) const {
  std::lock_guard lock(names_->mutex);
  const std::shared_ptr<detail::MemoryFile> file = names_->find(path.string());
  if (!file) return std::nullopt;
  std::lock_guard file_lock(file->mutex);
  return file->bytes;
}

void MemoryStorage::put(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::lock_guard lock(names_->mutex);
  names_->make(path.string())->bytes.assign(bytes.begin(), bytes.end());
}

void MemoryStorage::put(const std::filesystem::path& path, std::string_view text) {
  put(path, std::as_bytes(std::span(text)));
}

bool MemoryStorage::remove(const std::filesystem::path& path) {
  std::lock_guard lock(names_->mutex);
  return names_->files.erase(path.string()) != 0;
}

std::vector<std::filesystem::path> MemoryStorage::names() const {
  std::lock_guard lock(names_->mutex);
  std::vector<std::filesystem::path> all;
  for (const auto& [name, file] : names_->files) all.emplace_back(name);
  return all;
}

std::optional<std::chrono::system_clock::time_point> MemoryStorage::modified(const std::filesystem::path& path) const {
  std::lock_guard lock(names_->mutex);
  const std::shared_ptr<detail::MemoryFile> file = names_->find(path.string());
  if (!file) return std::nullopt;
  std::lock_guard file_lock(file->mutex);
  return file->modified;
}

Result<void> MemoryStorage::check_target(const std::filesystem::path& target) const {
  return bgxfer::detail::check_target_text(target);
}

asio::awaitable<Result<std::unique_ptr<PartialFile>>> MemoryStorage::open(OpenPartial request) {
  const Result<void> lawful = bgxfer::detail::check_place_text(request.place.target, request.place.temporary_name);
  if (!lawful) co_return lawful.error();
  const std::filesystem::path path = request.place.temporary();
  std::lock_guard lock(names_->mutex);
  std::shared_ptr<detail::MemoryFile> file;
  if (request.expected) {
    file = names_->find(path.string());
    if (!file || FileIdentity{1, file->number} != *request.expected) {
      co_return Error(Errc::partial_file_changed, ErrorContext::local_file, path.string());
    }
  } else {
    file = names_->make(path.string());
  }
  co_return std::make_unique<MemoryPartial>(std::move(file), path);
}

asio::awaitable<Result<void>> MemoryStorage::sync(std::span<const FilePlace> files) {
  std::lock_guard lock(names_->mutex);
  for (const FilePlace& place : files) {
    if (!names_->find(place.temporary().string())) {
      co_return memory_error(std::errc::no_such_file_or_directory, place.temporary());
    }
  }
  co_return Result<void>();
}

asio::awaitable<CommitReport> MemoryStorage::commit(std::span<const CommitFile> files) {
  std::lock_guard lock(names_->mutex);
  std::size_t done = 0;
  for (const CommitFile& wanted : files) {
    const Result<void> lawful = bgxfer::detail::check_place_text(wanted.place.target, wanted.place.temporary_name);
    if (!lawful) co_return CommitReport(done, lawful.error());
    const std::string temporary = wanted.place.temporary().string();
    const std::string target = wanted.place.target.string();
    const std::shared_ptr<detail::MemoryFile> file = names_->find(temporary);
    if (file && !wanted.wants(FileIdentity{1, file->number})) {
      co_return CommitReport(done, Error(Errc::partial_file_changed, ErrorContext::local_file, temporary));
    }
    const std::shared_ptr<detail::MemoryFile> committed = names_->find(target);
    if (!file && !(committed && wanted.wants(FileIdentity{1, committed->number}))) {
      co_return CommitReport(done, memory_error(std::errc::no_such_file_or_directory, temporary));
    }
    if (file) {
      std::lock_guard file_lock(file->mutex);
      if (wanted.modified) file->modified = wanted.modified;
      names_->files.erase(temporary);
      names_->files[target] = file;
    }
    ++done;
  }
  co_return CommitReport(done);
}

asio::awaitable<Result<void>> MemoryStorage::discard(std::span<const FilePlace> files) {
  Result<void> first_failure;
  std::lock_guard lock(names_->mutex);
  for (const FilePlace& place : files) {
    const Result<void> lawful = bgxfer::detail::check_place_text(place.target, place.temporary_name);
    if (lawful) {
      names_->files.erase(place.temporary().string());
    } else if (first_failure) {
      first_failure = lawful;
    }
  }
  co_return first_failure;
}

asio::awaitable<Result<std::uint64_t>> MemoryStorage::free_bytes(std::filesystem::path) {
  co_return std::uint64_t{1} << 50;
}

asio::awaitable<Result<std::unique_ptr<LogFile>>> MemoryStorage::open_log(std::filesystem::path path) {
  std::lock_guard lock(names_->mutex);
  if (!names_->locked_logs.insert(path.string()).second) {
    co_return Error(Errc::journal_locked, ErrorContext::local_file, path.string() + " is in use by this process");
  }
  if (!names_->find(path.string())) names_->make(path.string());
  co_return std::make_unique<MemoryLog<Names>>(names_, path);
}

std::string MemoryStorage::epoch() const { return "memory"; }

std::shared_ptr<Storage> make_storage() { return std::make_shared<MemoryStorage>(); }

}  // namespace bgxfer::inline v0::memory
