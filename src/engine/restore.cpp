#include "restore.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace bgxfer::inline v0::detail {

namespace {

/// Temporary files that are looked at while the queue opens. Any beyond these are looked at when their turn comes.
constexpr std::size_t inspected_files_max = 4096;

std::vector<StartedFile> started_files(const Model::Lock& lock, const Model& model) {
  std::vector<StartedFile> found;
  for (const Model::Core& job : model.jobs(lock)) {
    if (is_final(job->record.state)) continue;
    for (std::size_t i = 0; i < job->record.files.size(); ++i) {
      const FileRecord& file = job->record.files[i];
      if (file.stage != FileStage::started || !file.facts || file.facts->arrived.empty()) continue;
      const auto index = static_cast<FileIndex>(i);
      found.push_back(StartedFile{job, index, place_of(job->record, index), file.facts->identity});
      if (found.size() == inspected_files_max) return found;
    }
  }
  return found;
}

}  // namespace

asio::awaitable<Result<RestoreReport>> Restoration::run(std::filesystem::path path) {
  Result<std::unique_ptr<LogFile>> log = co_await context_.storage->open_log(std::move(path));
  if (!log) co_return log.error();

  JournalSetup setup;
  setup.epoch = context_.storage->epoch();
  setup.bytes_before_compaction = context_.limits().journal_bytes_before_compaction;
  setup.random = [random = file_ids()]() mutable { return random.next(); };
  auto journal = std::make_unique<Journal>(*std::move(log), std::move(setup));
  Journal& opened = *journal;
  Result<Restored> restored = co_await opened.replay();
  if (!restored) co_return restored.error();

  if (context_.secrets) {
    for (JobRecord& job : restored->jobs) co_await context_.secrets->restore(job);
  }
  report_ = std::move(restored->report);
  for (const BytesLost& lost : report_.lost) reported_[{lost.job, lost.file}] += lost.bytes;
  pump_ = std::make_shared<JournalPump>(context_.strand, context_.model, std::move(journal));
  const bool rewrite_needed = restored->rewrite_needed;
  Result<void> adopted = adopt(std::move(restored->jobs), rewrite_needed);
  if (!adopted) co_return adopted.error();

  std::vector<StartedFile> started;
  {
    Model::Lock lock = context_.model->lock();
    started = started_files(lock, *context_.model);
  }
  for (StartedFile& file : started) {
    Model::Core job = std::move(file.job);
    FilePlace place = std::move(file.place);
    co_await inspect(std::move(job), file.file, std::move(place), file.identity);
  }
  // What the host adds from here on is written once, and not once more with all the rest.
  if (rewrite_needed) co_await pump_->rewrite_tried();
  co_return std::move(report_);
}

Random Restoration::file_ids() const {
  Model::Lock lock = context_.model->lock();
  const std::uint64_t seed = context_.model->random(lock);
  return Random(seed, context_.model->random(lock));
}

Result<void> Restoration::adopt(std::vector<JobRecord> jobs, bool rewrite_needed) {
  Model& model = *context_.model;
  Model::Lock lock = model.lock();
  for (const JobRecord& job : jobs) {
    if (!model.find(lock, job.id)) continue;
    return Error(Errc::invalid_argument, ErrorContext::queue,
                 "a new job has the id of one in the journal, " + job.id.to_string() +
                     "; give QueueOptions::seed another value, or 0");
  }
  const std::vector<Model::Core> added_early = model.jobs(lock);
  report_.jobs_restored = jobs.size();
  model.adopt(lock, std::move(jobs));
  model.attach(lock, &pump_->journal(), [pump = pump_.get()](bool urgent) { pump->kick(urgent); });
  context_.checkpoint->attach(lock, pump_);
  for (const Model::Core& job : model.jobs(lock)) {
    settle(lock, *job);
    reload(lock, *job);
    sync_soon(lock, job);
  }
  // Jobs that were added before the journal was open are only in memory yet.
  for (const Model::Core& job : added_early) {
    describe(job->record, [this](const Change& change) { pump_->journal().add(change); });
  }
  if (rewrite_needed) {
    pump_->kick_rewrite();
  } else {
    pump_->kick(true);
  }
  return {};
}

/// A sync that the last run had begun may have failed without a word in the journal. Nobody could tell: the system
/// takes the bytes for written from then on. The report has them.
void Restoration::settle(const Model::Lock& lock, JobCore& job) {
  const std::vector<FileRecord>& files = job.record.files;
  for (;;) {
    RangeSet unsettled;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const FileRecord& file = files[i];
      if (!file.facts || file.facts->syncs == 0) continue;
      unsettled.add(ByteRange{i, 1});
      if (file.stage != FileStage::committed && !file.facts->unsynced.empty())
        context_.model->forget_unsynced_bytes(lock, job, static_cast<FileIndex>(i));
    }
    if (unsettled.empty()) return;
    context_.model->commit(lock, job, SyncEnded{job.record.id, unsettled.ranges()});
  }
}

/// Spec part 1.3, T35.
void Restoration::reload(const Model::Lock& lock, JobCore& job) {
  Model& model = *context_.model;
  if (is_void_commit(job.record)) model.commit(lock, job, end_of_void_commit(job.record));
  if (is_final(job.record.state) || job.record.committing) {
    model.end_later(lock, job);
    return;
  }
  model.move(lock, job, Stimulus::reloaded);
  if (job.record.state == JobState::transient_error) job.next_attempt = context_.clock().now();
  if (lacks_identity(job.record) && is_active(job.record.state)) {
    model.move(lock, job, Stimulus::identity_missing,
               Error(Errc::identity_needed, ErrorContext::queue, job.record.options.display_name));
  }
  if (job.record.headers_withheld && is_active(job.record.state)) {
    model.move(lock, job, Stimulus::identity_missing,
               Error(Errc::headers_needed, ErrorContext::queue, job.record.options.display_name));
  }
}

/// What the last run had not made durable is as much at risk as if it had just arrived.
void Restoration::sync_soon(const Model::Lock& lock, const Model::Core& job) {
  for (std::size_t i = 0; i < job->record.files.size(); ++i) {
    const FileRecord& file = job->record.files[i];
    const bool unsynced = file.facts && !file.facts->unsynced.empty();
    if (unsynced && file.stage == FileStage::finished)
      context_.checkpoint->finished(lock, job, static_cast<FileIndex>(i));
  }
}

/// What the temporary file holds, against what the journal says of it.
asio::awaitable<void> Restoration::inspect(Model::Core job, FileIndex file, FilePlace place, FileIdentity identity) {
  OpenPartial request(std::move(place));
  request.expected = identity;
  Result<std::unique_ptr<PartialFile>> opened = co_await context_.storage->open(std::move(request));
  std::uint64_t size = 0;
  std::shared_ptr<PartialFile> partial;
  if (opened) {
    partial = *std::move(opened);
    Result<std::uint64_t> found = co_await partial->size();
    if (!found) co_return;
    size = *found;
  } else {
    // Another error may pass; the file is looked at again when its turn comes.
    const std::error_code code = opened.error().code();
    if (code != Errc::partial_file_changed && code != std::errc::no_such_file_or_directory) co_return;
  }

  Model::Lock lock = context_.model->lock();
  const FileRecord& record = job->record.files[static_cast<std::size_t>(file)];
  if (record.stage != FileStage::started || !record.facts || record.facts->arrived.empty()) co_return;
  const std::uint64_t arrived = record.facts->arrived.bytes();
  const std::uint64_t end = record.facts->arrived.ranges().back().end();
  if (size < end) {
    context_.model->restart_file(lock, *job, file);
    lose(job->record.id, file, arrived,
         opened ? "the temporary file is shorter than what had arrived" : "the temporary file is gone");
  } else if (const std::uint64_t reported = reported_bytes(job->record.id, file); size - end > reported) {
    lose(job->record.id, file, size - end - reported, "these bytes arrived after the last record in the journal");
  }
  if (size < end || !partial || record.facts->unsynced.empty()) co_return;
  auto open = std::make_shared<OpenFile>(job, file, record.generation, std::move(partial));
  open->noted = true;
  context_.checkpoint->dirty(lock, open);
}

std::uint64_t Restoration::reported_bytes(JobId job, FileIndex file) const {
  const auto found = reported_.find({job, file});
  return found == reported_.end() ? 0 : found->second;
}

void Restoration::lose(JobId job, FileIndex file, std::uint64_t bytes, std::string why) {
  report_.bytes_to_fetch_again += bytes;
  BytesLost lost;
  lost.job = job;
  lost.file = file;
  lost.bytes = bytes;
  lost.why = std::move(why);
  report_.lost.push_back(std::move(lost));
}

}  // namespace bgxfer::inline v0::detail
