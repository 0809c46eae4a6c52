#include <bgxfer/commit_guard.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0 {

Storage::~Storage() = default;
PartialFile::~PartialFile() = default;
LogFile::~LogFile() = default;
CommitGuard::~CommitGuard() = default;

asio::awaitable<Result<void>> PartialFile::set_attributes(FileAttributes, FileAclFlags) { co_return Result<void>{}; }

}  // namespace bgxfer::inline v0
