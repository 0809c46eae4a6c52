#include "durable.hpp"

#include <vector>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

asio::awaitable<Result<void>> make_durable(const TaskContext& context, Model::Core job) {
  std::vector<FilePlace> places;
  RangeSet indexes;
  {
    Model::Lock lock = context.model->lock();
    const JobRecord& record = job->record;
    for (std::size_t i = 0; i < record.files.size(); ++i) {
      const FileRecord& file = record.files[i];
      if (file.stage != FileStage::finished || !file.facts || file.facts->unsynced.empty()) continue;
      places.push_back(place_of(record, static_cast<FileIndex>(i)));
      indexes.add(ByteRange{i, 1});
    }
  }
  // An empty file has no unsynced bytes: its name was made durable when it was finished.
  if (places.empty()) co_return Result<void>{};
  Result<void> synced;
  if (!BGXFER_MUTANT(16)) synced = co_await context.storage->sync(places);

  Model::Lock lock = context.model->lock();
  if (synced) {
    context.model->commit(lock, *job, FilesSynced{job->record.id, indexes.ranges()});
    co_return Result<void>{};
  }
  for (ByteRange run : indexes.ranges()) {
    for (std::uint64_t i = run.offset; i < run.end(); ++i) {
      context.model->forget_unsynced_bytes(lock, *job, static_cast<FileIndex>(i));
    }
  }
  co_return synced;
}

}  // namespace bgxfer::inline v0::detail
