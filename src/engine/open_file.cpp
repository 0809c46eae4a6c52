#include "open_file.hpp"

#include <vector>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// It may have taken bytes that a later turn wrote to the same file. Whoever writes to it, if anybody still does, finds
/// its bytes to be of an older generation.
void forget_unsynced(const Model::Lock& lock, OpenFile& file) {
  file.failed = true;
  const FileRecord& record = file.job->record.files[static_cast<std::size_t>(file.file)];
  const bool lost =
      record.facts && record.facts->identity == file.partial->identity() && !record.facts->unsynced.empty();
  if (lost && record.stage != FileStage::committed && !file.job->removed)
    file.job->model->forget_unsynced_bytes(lock, *file.job, file.file);
}

}  // namespace

FileFacts* facts_of(const Model::Lock&, const OpenFile& file) {
  FileRecord& record = file.job->record.files[static_cast<std::size_t>(file.file)];
  const bool same = record.generation == file.generation && record.stage == FileStage::started;
  return same && record.facts ? record.facts.get() : nullptr;
}

asio::awaitable<Result<void>> sync_noted(std::shared_ptr<OpenFile> file, std::shared_ptr<JournalPump> pump,
                                         const PolicyCall<void>& sync) {
  Model& model = *file->job->model;
  const JobId job = file->job->record.id;
  const std::vector<ByteRange> index{ByteRange{static_cast<std::uint64_t>(file->file), 1}};
  {
    Model::Lock lock = model.lock();
    if (file->job->removed || !facts_of(lock, *file)) co_return Result<void>{};
    // What is said of a file that the journal has never heard of would be void.
    if (!std::exchange(file->noted, true)) model.note_started(lock, *file->job, file->file);
    if (!BGXFER_MUTANT(40)) model.commit(lock, *file->job, SyncBegun{job, index});
  }
  Result<void> outcome;
  if (pump) outcome = co_await pump->all_written();
  bool failed = false;
  if (outcome) {
    outcome = co_await caught(sync);
    // Whoever was not allowed to do what comes before the sync has synced nothing.
    failed = !outcome && outcome.error().code() != Errc::attributes_denied;
  }
  Model::Lock lock = model.lock();
  if (failed) forget_unsynced(lock, *file);
  if (!file->job->removed) model.commit(lock, *file->job, SyncEnded{job, index});
  co_return outcome;
}

}  // namespace bgxfer::inline v0::detail
