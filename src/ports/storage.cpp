#include <bgxfer/commit_guard.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0 {

Storage::~Storage() = default;

TargetCheck Storage::target_check() const {
  return [this](const std::filesystem::path& target) { return check_target(target); };
}

PartialFile::~PartialFile() = default;
LogFile::~LogFile() = default;
CommitGuard::~CommitGuard() = default;

asio::awaitable<Result<void>> LogFile::write_again(std::uint64_t, std::span<const std::byte>) {
  co_return Result<void>{};
}

asio::awaitable<Result<void>> PartialFile::set_attributes(FileAttributes, FileAclFlags) { co_return Result<void>{}; }

}  // namespace bgxfer::inline v0
