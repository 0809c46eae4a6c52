#ifndef BGXFER_COMMIT_GUARD_HPP
#define BGXFER_COMMIT_GUARD_HPP

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0 {

/// A file that is about to get its name.
struct CommitQuestion {
  CommitQuestion(JobId of, FileIndex index) : job(of), file(index) {}

  JobId job;
  FileIndex file;
  std::string url{};
  std::filesystem::path temporary{};  ///< Where its bytes are: all of them, verified and durable. Only to be read.
  std::filesystem::path target{};     ///< The name that it is to get.
  /// What `temporary` is. A file that has another identity when it is renamed, because somebody exchanged it after it
  /// was looked at, does not get its name.
  FileIdentity identity{};
  std::uint64_t size = 0;
};

/// The host's last word before files appear: a scanner, a check of signatures.
///
/// When a job is completed, the guard is asked for each of its finished files, one after the other, before the first of
/// them gets its name. If it refuses one, none does: the job stays as it was with `Errc::commit_refused`, which
/// `Job::completed` reports, and may be completed again or cancelled. Once all were let through, that is in the
/// journal: a restart goes on giving them their names without asking again. A restart before that asks for all of them
/// again.
class BGXFER_API CommitGuard {
 public:
  virtual ~CommitGuard();
  /// Called on the queue's executor, for several jobs at the same time. It may take as long as it likes, but it must
  /// not block that executor: what blocks goes to a thread of the guard's own. A queue that closes waits for the
  /// answer. An exception is a refusal.
  virtual asio::awaitable<Result<void>> check(CommitQuestion question) = 0;
};

}  // namespace bgxfer::inline v0

#endif
