#include "checkpoint.hpp"

#include <algorithm>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "file_sync.hpp"
#include "spawn.hpp"

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

/// However it ends, the queue may close then.
class Checkpoint::Round {
 public:
  explicit Round(Checkpoint& home) : home_(home) { home_.at_work_ = true; }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;
  ~Round() {
    home_.at_work_ = false;
    home_.round_ended_.notify();
  }

 private:
  Checkpoint& home_;
};

asio::awaitable<void> Checkpoint::settled() {
  for (;;) {
    const std::uint64_t seen = round_ended_.version();
    if (!at_work_) co_return;
    const bool changed = co_await round_ended_.changed_since(seen);
    if (!changed) co_return;
  }
}

asio::awaitable<void> Checkpoint::run(std::shared_ptr<Checkpoint> self) {
  // Only a sleep is ever cut short.
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    Clock& clock = self->model_->clock();
    const Clock::TimePoint due = clock.now() + self->model_->limits().checkpoint_interval;
    self->sleeping_ = true;
    if (!self->is_closed()) co_await clock.sleep_until(due);
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
    const Round round(*self);
    self->model_->meter.checkpoints.add();
    for (std::shared_ptr<OpenFile>& file : open) {
      std::shared_ptr<OpenFile> one = std::move(file);
      co_await self->sync_open(std::move(one));
    }
    co_await self->sync_finished(std::move(finished));
  }
}

asio::awaitable<void> Checkpoint::sync_open(std::shared_ptr<OpenFile> file) {
  // Only what arrived before the sync may be claimed after it.
  FileProgressed progressed{file->job->record.id, file->file, file->generation, true, {}};
  {
    Model::Lock lock = model_->lock();
    FileFacts* facts = facts_of(lock, *file);
    if (closed_ || !facts || facts->unsynced.empty()) co_return;
    progressed.ranges = facts->unsynced.ranges();
  }
  const PolicyCall<void> sync = [&] { return file->partial->sync(); };
  std::shared_ptr<OpenFile> one = file;
  std::shared_ptr<JournalPump> pump = pump_;
  Result<void> synced = co_await sync_noted(std::move(one), std::move(pump), sync);

  Model::Lock lock = model_->lock();
  if (synced && facts_of(lock, *file)) model_->commit(lock, *file->job, progressed);
}

asio::awaitable<void> Checkpoint::sync_finished(std::vector<FinishedFile> files) {
  FileSync sync(model_, storage_, pump_);
  {
    Model::Lock lock = model_->lock();
    if (closed_) co_return;
    for (const FinishedFile& file : files) {
      if (!file.job->removed && !file.job->record.committing) sync.add(lock, file.job, file.file);
    }
  }
  [[maybe_unused]] const Result<void> told_in_the_records = co_await sync.run();
}

}  // namespace bgxfer::inline v0::detail
