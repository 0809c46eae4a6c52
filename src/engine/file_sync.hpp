#ifndef BGXFER_SRC_ENGINE_FILE_SYNC_HPP
#define BGXFER_SRC_ENGINE_FILE_SYNC_HPP

#include <map>
#include <memory>
#include <vector>

#include "journal_pump.hpp"
#include "sync_claim.hpp"

namespace bgxfer::inline v0::detail {

/// Makes finished files durable, those of several jobs in one batch.
class FileSync {
 public:
  /// `pump` is empty for a queue without a journal.
  FileSync(std::shared_ptr<Model> model, std::shared_ptr<Storage> storage, std::shared_ptr<JournalPump> pump);

  /// Takes the file along if it is finished and not all of it is durable.
  void add(const Model::Lock& lock, const Model::Core& job, FileIndex file);

  /// Says what is going to be synced, has it synced, and records what became of it. After a failed sync none of the
  /// files is believed that was not durable before: it is never repeated. Without files it is success.
  asio::awaitable<Result<void>> run();

 private:
  const std::shared_ptr<Model> model_;
  const std::shared_ptr<Storage> storage_;
  const std::shared_ptr<JournalPump> pump_;
  std::vector<FilePlace> places_;
  std::map<JobCore*, SyncClaim> claims_;
};

}  // namespace bgxfer::inline v0::detail

#endif
