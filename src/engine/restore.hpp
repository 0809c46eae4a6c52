#ifndef BGXFER_SRC_ENGINE_RESTORE_HPP
#define BGXFER_SRC_ENGINE_RESTORE_HPP

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include <bgxfer/restore_report.hpp>

#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// A file whose temporary file should hold something.
struct StartedFile {
  Model::Core job;
  FileIndex file;
  FilePlace place;
  FileIdentity identity;
};

/// Brings a queue back from its journal: reads it, puts every job where it was, looks at the temporary files, and
/// begins to write.
class Restoration {
 public:
  explicit Restoration(const TaskContext& context) : context_(context) {}

  asio::awaitable<Result<RestoreReport>> run(std::filesystem::path journal);

  /// What writes the journal from here on. After `run` has succeeded.
  [[nodiscard]] std::shared_ptr<JournalPump> pump() const { return pump_; }

 private:
  Result<void> adopt(std::vector<JobRecord> jobs, bool rewrite_needed);
  void settle(const Model::Lock& lock, JobCore& job);
  void reload(const Model::Lock& lock, JobCore& job);
  void sync_soon(const Model::Lock& lock, const Model::Core& job);
  [[nodiscard]] Random file_ids() const;
  asio::awaitable<void> inspect(Model::Core job, FileIndex file, FilePlace place, FileIdentity identity);
  [[nodiscard]] std::uint64_t reported_bytes(JobId job, FileIndex file) const;
  void lose(JobId job, FileIndex file, std::uint64_t bytes, std::string why);

  const TaskContext& context_;
  std::shared_ptr<JournalPump> pump_;
  RestoreReport report_;
  std::map<std::pair<JobId, FileIndex>, std::uint64_t> reported_;  ///< Bytes that the journal tells to be lost.
};

}  // namespace bgxfer::inline v0::detail

#endif
