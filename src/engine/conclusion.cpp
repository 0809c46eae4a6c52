#include "conclusion.hpp"

#include <algorithm>
#include <utility>

#include "../base/mutant.hpp"
#include "durable.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Files that one call of the storage deals with.
constexpr std::size_t batch_files = 1024;

/// A crash may have left temporary files that no record knows: they belong to the first files that had none yet, as
/// many as can be in flight.
constexpr std::size_t unrecorded_files_max = 64;

}  // namespace

asio::awaitable<void> Conclusion::run() {
  bool committing = false;
  {
    Model::Lock lock = context_.model->lock();
    if (job_->removed) co_return;
    committing = job_->record.committing && !is_final(job_->record.state);
  }
  if (committing) {
    const PolicyCall<void> commit = [this] { return commit_files(); };
    Result<void> committed = co_await caught(commit);
    if (!committed) {
      commit_failed(committed.error());
      co_return;
    }
    Model::Lock lock = context_.model->lock();
    context_.model->move(lock, *job_, Stimulus::complete);
  } else {
    // Before anything is deleted: a job that a crash brings back has its files.
    Result<void> saved = co_await context_.saved();
    if (!saved) co_return;
  }
  co_await discard_files();
  Model::Lock lock = context_.model->lock();
  context_.model->remove(lock, *job_);
}

/// The decision is durable before the first file moves, so a crash in the middle is carried on with, not undone.
asio::awaitable<Result<void>> Conclusion::commit_files() {
  Result<void> durable = co_await make_durable(context_, job_);
  if (!durable) co_return durable;
  Result<void> allowed = co_await ask_guard();
  if (!allowed) co_return allowed;
  if (!BGXFER_MUTANT(14)) {
    Result<void> saved = co_await context_.saved();
    if (!saved) co_return saved;
  }

  std::size_t next = 0;
  for (;;) {
    std::vector<CommitFile> batch;
    std::vector<std::uint32_t> indexes;
    {
      Model::Lock lock = context_.model->lock();
      const JobRecord& record = job_->record;
      for (; next < record.files.size() && batch.size() < batch_files; ++next) {
        const FileRecord& file = record.files[next];
        if (file.stage != FileStage::finished) continue;
        indexes.push_back(static_cast<std::uint32_t>(next));
        CommitFile& item = batch.emplace_back(place_of(record, static_cast<FileIndex>(next)));
        if (!file.facts) continue;
        item.identity = file.facts->identity;
        item.modified = file.facts->modified;
        item.preserved = file.facts->preserved;
      }
    }
    if (batch.empty()) co_return Result<void>{};
    CommitReport report = co_await context_.storage->commit(batch);
    committed_ += static_cast<std::uint32_t>(report.done);
    if (report.error && report.done < indexes.size()) co_return report.error->with_file(indexes[report.done]);
    if (report.error) co_return *report.error;
  }
}

/// Every file is asked for before the first one gets its name. What was answered is in the journal by then: after a
/// crash in the middle some temporary files have gone already, and nobody could look at them.
asio::awaitable<Result<void>> Conclusion::ask_guard() {
  if (!context_.guard) co_return Result<void>{};
  for (std::size_t next = 0;; ++next) {
    CommitQuestion question(job_->record.id, static_cast<FileIndex>(next));
    {
      Model::Lock lock = context_.model->lock();
      const JobRecord& record = job_->record;
      if (record.approved) co_return Result<void>{};
      if (next >= record.files.size()) break;
      const FileRecord& file = record.files[next];
      if (file.stage != FileStage::finished) continue;
      const FilePlace place = place_of(record, question.file);
      question.url = file.url;
      question.temporary = place.temporary();
      question.target = place.target;
      question.size = file.size;
      if (file.facts) question.identity = file.facts->identity;
    }
    const std::string target = question.target.string();
    const PolicyCall<void> ask = [&] { return context_.guard->check(std::move(question)); };
    Result<void> answer = co_await caught(ask);
    if (!answer) {
      const Error refusal(Errc::commit_refused, ErrorContext::local_file, target + ": " + answer.error().message());
      co_return refusal.with_file(static_cast<std::uint32_t>(next));
    }
  }
  Model::Lock lock = context_.model->lock();
  context_.model->commit(lock, *job_, CommitStarted{job_->record.id, context_.clock().wall_now(), true});
  co_return Result<void>{};
}

void Conclusion::commit_failed(const Error& error) {
  Model::Lock lock = context_.model->lock();
  context_.model->commit(lock, *job_, CommitFailed{job_->record.id, committed_, error, context_.clock().wall_now()});
  // Somebody deleted or exchanged what had arrived: only fetching it again helps, and `resume` then does.
  const bool lost = error.code() == Errc::partial_file_changed || error.code() == std::errc::no_such_file_or_directory;
  if (lost && error.file()) context_.model->restart_file(lock, *job_, static_cast<FileIndex>(*error.file()));
  job_->commit_error = error;
  job_->changed.notify();
  context_.model->changed.notify();
}

/// Best effort: a file that cannot be deleted is named in the log (BITS: BG_S_UNABLE_TO_DELETE_FILES).
asio::awaitable<void> Conclusion::discard_files() {
  if (BGXFER_MUTANT(28)) co_return;
  std::size_t next = 0;
  std::size_t end = 0;
  {
    Model::Lock lock = context_.model->lock();
    const auto& files = job_->record.files;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].stage != FileStage::waiting) end = i + 1;
    }
    end = std::min(files.size(), end + unrecorded_files_max);
  }
  while (next < end) {
    std::vector<FilePlace> batch;
    {
      Model::Lock lock = context_.model->lock();
      const JobRecord& record = job_->record;
      const bool completed = record.state == JobState::completed;
      for (; next < end && batch.size() < batch_files; ++next) {
        const FileStage stage = record.files[next].stage;
        const bool has_name = stage == FileStage::committed || (completed && stage == FileStage::finished);
        if (!has_name) batch.push_back(place_of(record, static_cast<FileIndex>(next)));
      }
    }
    if (batch.empty()) co_return;
    const PolicyCall<void> discard = [&] { return context_.storage->discard(batch); };
    Result<void> discarded = co_await caught(discard);
    if (!discarded) context_.log().say(LogEvent::file_left_behind, discarded.error().message(), job_->record.id);
  }
}

}  // namespace bgxfer::inline v0::detail
