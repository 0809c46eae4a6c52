#include "sync_claim.hpp"

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

std::optional<FilePlace> SyncClaim::add(const Model::Lock&, FileIndex file) {
  const FileRecord& record = record_of(file);
  if (record.stage != FileStage::finished || !record.facts || record.facts->unsynced.empty()) return std::nullopt;
  files_.push_back(Claimed{file, record.generation});
  return place_of(job_->record, file);
}

std::vector<ByteRange> SyncClaim::indexes() const {
  RangeSet runs;
  for (const Claimed& claimed : files_) runs.add(ByteRange{static_cast<std::uint64_t>(claimed.file), 1});
  return runs.ranges();
}

void SyncClaim::begin(const Model::Lock& lock) const {
  if (!job_->removed && !files_.empty() && !BGXFER_MUTANT(40))
    job_->model->commit(lock, *job_, SyncBegun{job_->record.id, indexes()});
}

void SyncClaim::end(const Model::Lock& lock) const {
  if (!job_->removed && !files_.empty()) job_->model->commit(lock, *job_, SyncEnded{job_->record.id, indexes()});
}

void SyncClaim::confirm(const Model::Lock& lock) const {
  if (job_->removed) return;
  RangeSet right;
  for (const Claimed& claimed : files_) {
    const FileRecord& record = record_of(claimed.file);
    const bool same = record.stage >= FileStage::finished && record.generation == claimed.generation;
    if (same) right.add(ByteRange{static_cast<std::uint64_t>(claimed.file), 1});
  }
  if (!right.empty()) job_->model->commit(lock, *job_, FilesSynced{job_->record.id, right.ranges()});
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
