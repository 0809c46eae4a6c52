#include "checkpoint.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "spawn.hpp"
#include "sync_claim.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

Checkpoint::Checkpoint(asio::any_io_executor strand, std::shared_ptr<Model> model, std::shared_ptr<Storage> storage)
    : strand_(std::move(strand)), model_(std::move(model)), storage_(std::move(storage)) {}

void Checkpoint::dirty(const Model::Lock& lock, const std::shared_ptr<OpenFile>& file) {
  if (!open_.empty() && open_.back() == file) return;
  if (std::find(open_.begin(), open_.end(), file) != open_.end()) return;
  open_.push_back(file);
  start(lock);
}

void Checkpoint::finished(const Model::Lock& lock, const Model::Core& job, FileIndex file) {
  finished_.push_back(FinishedFile{job, file});
  start(lock);
}

void Checkpoint::start(const Model::Lock&) {
  if (running_ || closed_) return;
  start_once(running_, [this] {
    spawn(strand_, run(shared_from_this()), asio::bind_cancellation_slot(wake_.slot(), must_not_throw));
  });
}

void Checkpoint::close(const Model::Lock&) {
  closed_ = true;
  if (!running_) return;
  asio::post(strand_, [self = shared_from_this()] {
    if (self->sleeping_) self->wake_.emit(asio::cancellation_type::terminal);
  });
}

asio::awaitable<void> Checkpoint::run(std::shared_ptr<Checkpoint> self) {
  // Only a sleep is ever cut short.
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    Clock& clock = self->model_->clock();
    const Clock::TimePoint due = clock.now() + self->model_->limits().checkpoint_interval;
    self->sleeping_ = true;
    co_await clock.sleep_until(due);
    self->sleeping_ = false;

    std::vector<std::shared_ptr<OpenFile>> open;
    std::vector<FinishedFile> finished;
    {
      Model::Lock lock = self->model_->lock();
      open.swap(self->open_);
      finished.swap(self->finished_);
      if (self->closed_ || (open.empty() && finished.empty())) {
        self->running_ = false;
        co_return;
      }
    }
    self->model_->meter.checkpoints.add();
    for (std::shared_ptr<OpenFile>& file : open) {
      std::shared_ptr<OpenFile> one = std::move(file);
      co_await self->sync_open(std::move(one));
    }
    co_await self->sync_finished(std::move(finished));
  }
}

namespace {

/// What the model knows of the file, if it still is the one that was opened and still being fetched.
FileFacts* facts_of(const OpenFile& file) {
  FileRecord& record = file.job->record.files[static_cast<std::size_t>(file.file)];
  const bool same = record.generation == file.generation && record.stage == FileStage::started;
  return same && record.facts ? record.facts.get() : nullptr;
}

}  // namespace

asio::awaitable<void> Checkpoint::sync_open(std::shared_ptr<OpenFile> file) {
  // Only what arrived before the sync may be claimed after it.
  FileProgressed progressed{file->job->record.id, file->file, file->generation, true, {}};
  {
    Model::Lock lock = model_->lock();
    FileFacts* facts = facts_of(*file);
    if (!facts || facts->unsynced.empty()) co_return;
    progressed.ranges = facts->unsynced.ranges();
  }
  const PolicyCall<void> sync = [&] { return file->partial->sync(); };
  Result<void> synced = co_await caught(sync);

  Model::Lock lock = model_->lock();
  if (!synced) {
    // It may have taken bytes that a later turn wrote to the same file. Whoever writes to it, if anybody still does,
    // finds its bytes to be of an older generation.
    file->failed = true;
    const FileRecord& record = file->job->record.files[static_cast<std::size_t>(file->file)];
    const bool lost =
        record.facts && record.facts->identity == file->partial->identity() && !record.facts->unsynced.empty();
    if (lost && record.stage != FileStage::committed && !file->job->removed)
      model_->forget_unsynced_bytes(lock, *file->job, file->file);
    co_return;
  }
  if (!facts_of(*file)) co_return;
  // Progress of a file that the journal has never heard of would be void.
  if (!std::exchange(file->noted, true)) model_->note_started(lock, *file->job, file->file);
  model_->commit(lock, *file->job, progressed);
}

asio::awaitable<void> Checkpoint::sync_finished(std::vector<FinishedFile> files) {
  std::vector<FilePlace> places;
  std::map<JobCore*, SyncClaim> claims;
  {
    Model::Lock lock = model_->lock();
    for (const FinishedFile& file : files) {
      if (file.job->removed || file.job->record.committing) continue;
      SyncClaim& claim = claims.try_emplace(file.job.get(), file.job).first->second;
      if (std::optional<FilePlace> place = claim.add(lock, file.file)) places.push_back(*std::move(place));
    }
  }
  if (places.empty()) co_return;
  const PolicyCall<void> sync = [&] { return storage_->sync(places); };
  Result<void> synced = co_await caught(sync);

  Model::Lock lock = model_->lock();
  for (const auto& [job, claim] : claims) {
    if (synced) {
      claim.confirm(lock);
    } else {
      claim.forget(lock);
    }
  }
}

}  // namespace bgxfer::inline v0::detail
