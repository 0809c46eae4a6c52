#include "durable.hpp"

#include <vector>

#include "../base/mutant.hpp"
#include "sync_claim.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

asio::awaitable<Result<void>> make_durable(const TaskContext& context, Model::Core job) {
  std::vector<FilePlace> places;
  SyncClaim claim(job);
  {
    Model::Lock lock = context.model->lock();
    for (std::size_t i = 0; i < job->record.files.size(); ++i) {
      if (std::optional<FilePlace> place = claim.add(lock, static_cast<FileIndex>(i))) {
        places.push_back(*std::move(place));
      }
    }
  }
  // An empty file has no unsynced bytes: its name was made durable when it was finished.
  const PolicyCall<void> sync = [&] { return context.storage->sync(places); };
  Result<void> synced;
  if (!places.empty() && !BGXFER_MUTANT(16)) synced = co_await caught(sync);

  Model::Lock lock = context.model->lock();
  if (synced) {
    claim.confirm(lock);
  } else {
    claim.forget(lock);
  }
  // What a checkpoint was syncing when the host called `complete` may have been lost: it is no file of the job now.
  if (synced && is_void_commit(job->record)) synced = lost_in_commit(job->record);
  co_return synced;
}

}  // namespace bgxfer::inline v0::detail
