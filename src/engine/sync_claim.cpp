#include "sync_claim.hpp"

namespace bgxfer::inline v0::detail {

std::optional<FilePlace> SyncClaim::add(const Model::Lock&, FileIndex file) {
  const FileRecord& record = record_of(file);
  if (record.stage != FileStage::finished || !record.facts || record.facts->unsynced.empty()) return std::nullopt;
  files_.push_back(Claimed{file, record.generation});
  return place_of(job_->record, file);
}

void SyncClaim::confirm(const Model::Lock& lock) const {
  if (job_->removed) return;
  RangeSet indexes;
  for (const Claimed& claimed : files_) {
    const FileRecord& record = record_of(claimed.file);
    const bool same = record.stage >= FileStage::finished && record.generation == claimed.generation;
    if (same) indexes.add(ByteRange{static_cast<std::uint64_t>(claimed.file), 1});
  }
  if (!indexes.empty()) job_->model->commit(lock, *job_, FilesSynced{job_->record.id, indexes.ranges()});
}

void SyncClaim::forget(const Model::Lock& lock) const {
  if (job_->removed) return;
  for (const Claimed& claimed : files_) {
    const FileRecord& record = record_of(claimed.file);
    const bool lost = record.stage != FileStage::committed && record.facts && !record.facts->unsynced.empty();
    if (lost) job_->model->forget_unsynced_bytes(lock, *job_, claimed.file);
  }
}

}  // namespace bgxfer::inline v0::detail
