#include "durable.hpp"

#include "file_sync.hpp"

namespace bgxfer::inline v0::detail {

asio::awaitable<Result<void>> make_durable(const TaskContext& context, Model::Core job) {
  // An empty file has no unsynced bytes: its name was made durable when it was finished.
  FileSync sync(context.model, context.storage, context.pump);
  {
    Model::Lock lock = context.model->lock();
    for (std::size_t i = 0; i < job->record.files.size(); ++i) sync.add(lock, job, static_cast<FileIndex>(i));
  }
  Result<void> synced = co_await sync.run();

  // What a checkpoint was syncing when the host called `complete` may have been lost: it is no file of the job now.
  Model::Lock lock = context.model->lock();
  if (synced && is_void_commit(job->record)) synced = lost_in_commit(job->record);
  co_return synced;
}

}  // namespace bgxfer::inline v0::detail
