#include "model.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "../base/mutant.hpp"
#include "../model/secrets.hpp"
#include "../model/validate.hpp"
#include "notifier.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// How often a job may tell the host of its progress.
constexpr std::chrono::milliseconds progress_interval{100};

RangeSet durable_bytes(const FileFacts& facts) {
  RangeSet durable = facts.arrived;
  for (ByteRange range : facts.unsynced.ranges()) durable.subtract(range);
  return durable;
}

/// Whether a restart of the queue would not arrive at the same state by itself.
bool survives(JobState from, JobState to) {
  if (is_running(to)) return false;
  return !(to == JobState::queued && is_running(from));
}

bool is_about_sync(const Change& change) {
  return std::holds_alternative<SyncBegun>(change) || std::holds_alternative<SyncEnded>(change);
}

/// Progress may be lost with the power, but not what a checkpoint has made durable, nor what the host said and what
/// became of it.
bool urgent(const Change& change) {
  if (const auto* progressed = std::get_if<FileProgressed>(&change)) return progressed->durable;
  return !std::holds_alternative<FileStarted>(change) && !std::holds_alternative<FileFinished>(change) &&
         !std::holds_alternative<NoticeDelivered>(change) && !std::holds_alternative<Redirected>(change) &&
         !is_about_sync(change);
}

/// Failures count, but not those that only say that the network is gone or the host has no room.
bool counts(Stimulus stimulus) {
  return stimulus == Stimulus::connect_failed || stimulus == Stimulus::failed_for_now ||
         stimulus == Stimulus::failed_for_good || stimulus == Stimulus::custom_method_failed ||
         stimulus == Stimulus::too_long;
}

}  // namespace

namespace {

Limits cut(Limits limits) {
  cut_times(limits);
  return limits;
}

}  // namespace

Model::Model(std::shared_ptr<Clock> clock, const Limits& limits, Random random, std::shared_ptr<EventHub> hub, Log log)
    : log_(std::move(log)), clock_(std::move(clock)), limits_(cut(limits)), random_(random), hub_(std::move(hub)) {}

std::vector<Model::Core> Model::jobs(const Lock&) const {
  std::vector<Core> all;
  all.reserve(order_.size());
  for (const JobId& id : order_) {
    if (auto found = jobs_.find(id); found != jobs_.end()) all.push_back(found->second);
  }
  return all;
}

Model::Core Model::find(const Lock&, JobId id) const {
  auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

Model::Core Model::insert(JobRecord record) {
  auto core = std::make_shared<JobCore>(shared_from_this(), std::move(record));
  core->place = ++last_place_;
  core->pacer.set_rate(core->record.options.bytes_per_second_max);
  jobs_.emplace(core->record.id, core);
  ++in_state_[static_cast<std::size_t>(core->record.state)];
  order_.push_back(core->record.id);
  core->active_time = core->record.active_time;
  // What nobody has touched since long before this run has been inactive for as long.
  const auto untouched = std::max(Clock::WallTime::duration{0}, clock_->wall_now() - core->record.times.modified);
  core->touched = clock_->now() - untouched;
  if (limits_.inactivity_timeout.count() > 0) {
    const Clock::TimePoint due = core->touched + limits_.inactivity_timeout;
    inactivity_due_ = std::min(inactivity_due_.value_or(due), due);
  }
  count_owner(core->record.owner.name, true);
  set_active(*core, is_active(core->record.state));
  return core;
}

Model::Core Model::create(const Lock& lock, JobOptions options) {
  JobId id;
  do {
    const std::uint64_t high = random_.next();
    id = JobId::from_random(high, random_.next());
  } while (jobs_.contains(id));
  const JobCreated created{id, std::move(options), false, clock_->wall_now(), owner_};
  Core core = insert(make_record(created));
  record(created);
  if (has_secrets(created.options.http)) secrets_changed(lock, id);
  hub_->post(JobAdded{id});
  meter.jobs_added.add();
  note(lock, LogEvent::job_added, core->record.options.display_name, id);
  changed.notify();
  return core;
}

void Model::adopt(const Lock&, std::vector<JobRecord> records) {
  for (JobRecord& found : records) {
    assert(!jobs_.contains(found.id));
    Core core = insert(std::move(found));
    core->record.files.shrink_to_fit();
    if (core->record.state == JobState::transient_error) core->reason = WaitReason::retry;
  }
  changed.notify();
}

void Model::remove(const Lock& lock, JobCore& job) {
  if (std::exchange(job.removed, true)) return;
  record(JobRemoved{job.record.id});
  if (job.record.headers_withheld || has_secrets(job.record.options.http)) secrets_changed(lock, job.record.id);
  const JobId id = job.record.id;
  count_owner(job.record.owner.name, false);
  set_active(job, false);
  drop_handler(job);
  const Core keep = find(lock, id);
  // Ids of removed jobs are swept out of the order now and then, so that removing stays cheap.
  if (order_.size() > 2 * jobs_.size() + 16) {
    std::erase_if(order_, [this](const JobId& known) { return !jobs_.contains(known); });
  }
  job.changed.notify();
  changed.notify();
  --in_state_[static_cast<std::size_t>(job.record.state)];
  jobs_.erase(id);
}

void Model::effect_ended(const Lock& lock) {
  assert(effects_ > 0);
  --effects_;
  changed.notify();
  wake(lock);
}

void Model::end_later(const Lock&, JobCore& job) {
  auto found = jobs_.find(job.record.id);
  if (found != jobs_.end()) ending_.push_back(found->second);
}

void Model::forget_jobs(const Lock& lock) {
  // They may be the last owners of this model's jobs, but not of the model: whoever calls holds that.
  if (notifier_) notifier_->close(lock);
  for (const auto& [id, core] : jobs_) drop_handler(*core);
  active_.clear();
  ending_.clear();
  leavings_.jobs = std::exchange(jobs_, {});
  in_state_ = {};
  order_.clear();
}

void Model::attach(const Lock&, Journal* journal, std::function<void(bool urgent)> recorded) {
  journal_ = journal;
  recorded_ = std::move(recorded);
}

void Model::detach(const Lock&) {
  journal_ = nullptr;
  recorded_ = nullptr;
}

void Model::record(const Change& change) {
  if (!journal_) return;
  journal_->add(change);
  recorded_(urgent(change));
}

void Model::commit(const Lock& lock, JobCore& job, const Change& change) {
  const auto* configured = std::get_if<JobConfigured>(&change);
  if (configured && configured->owner) {
    count_owner(job.record.owner.name, false);
    count_owner(configured->owner->name, true);
  }
  if (configured) {
    const TlsOptions& before = job.record.options.http.tls;
    if (before.validator) leavings_.things.push_back(before.validator);
    if (before.client_source) leavings_.things.push_back(before.client_source);
  }
  apply(job.record, change);
  record(change);
  job.touched = clock_->now();
  if (configured) {
    ++job.edits;
    job.pacer.set_rate(configured->options.bytes_per_second_max);
  }
  if (const auto* finished = std::get_if<FileFinished>(&change)) {
    hub_->post(FileTransferred{job.record.id, finished->file});
    meter.files_finished.add();
    if (log_.wants(LogEvent::file_finished)) {
      const FileRecord& file = job.record.files[static_cast<std::size_t>(finished->file)];
      note(lock, LogEvent::file_finished, public_url(file.url), job.record.id, finished->file);
    }
  }
  const auto* failed = std::get_if<CommitFailed>(&change);
  if (failed && failed->error) note(lock, LogEvent::job_commit_failed, failed->error->message(), job.record.id);
  if (!std::holds_alternative<FileProgressed>(change) && !is_about_sync(change)) job.changed.notify();
  if (configured || std::holds_alternative<FilesAdded>(change) || std::holds_alternative<UrlChanged>(change) ||
      std::holds_alternative<CommitFailed>(change)) {
    note_modified(lock, job);
  }
  if (std::holds_alternative<FileFinished>(change)) notify(lock, job);
}

/// The handler hears of it if it wants to, and of what is owed, which the change may have set free.
void Model::note_modified(const Lock& lock, JobCore& job) {
  job.modified = true;
  notify(lock, job);
}

void Model::notify(const Lock& lock, JobCore& job) {
  const JobOptions& options = job.record.options;
  // Most jobs have nobody to tell: no more than this is done for them.
  if (!job.handler && options.notify.handler.empty() && options.notify.command.program.empty()) return;
  if (job.telling || !notifier_) return;
  if (const Core core = find(lock, job.record.id)) notifier_->consider(lock, core);
}

void Model::set_handler(const Lock& lock, JobCore& job, CoreHandler handler) {
  drop_handler(job);
  job.handler = std::move(handler);
  job.tell_again.reset();
  notify(lock, job);
}

void Model::drop_handler(JobCore& job) {
  if (job.handler) leavings_.things.push_back(std::make_shared<const CoreHandler>(std::exchange(job.handler, nullptr)));
}

bool Model::move(const Lock& lock, JobCore& job, Stimulus stimulus, std::optional<Error> error) {
  const JobState from = job.record.state;
  const std::optional<JobState> next = next_state(from, stimulus);
  if (!next) return false;
  const JobState to = *next;
  if (to == from && !error) return true;

  const bool fails = to == JobState::transient_error || to == JobState::error;
  if (!fails) job.reason = WaitReason::none;
  if (to != JobState::transient_error) job.next_attempt.reset();
  // The error of the last failure stays readable until bytes move again (spec part 7.1).
  const bool forgets = to == JobState::transferring || to == JobState::transferred || is_final(to);
  std::optional<Error> kept = error ? error : forgets ? std::nullopt : job.record.error;

  count_active_time(job, to);
  JobMoved moved{job.record.id, to, std::move(kept), job.record.error_count + (counts(stimulus) ? 1u : 0u),
                 clock_->wall_now()};
  moved.resumed = job.record.resumed;
  moved.active_time = std::chrono::duration_cast<std::chrono::milliseconds>(job.active_time);
  apply(job.record, moved);
  --in_state_[static_cast<std::size_t>(from)];
  ++in_state_[static_cast<std::size_t>(to)];
  if (survives(from, to)) record(moved);

  set_active(job, is_active(to));
  if (to == JobState::queued) requeue(lock, job);
  if (!is_running(to)) job.speed.reset();
  if (is_running(from) && !is_running(to)) tell_progress(lock, job, true);

  const JobId id = job.record.id;
  const bool owes = to == JobState::transferred || to == JobState::error;
  if (owes) {
    ++job.owed_edition;
    notify(lock, job);
  } else {
    note_modified(lock, job);
  }
  if (to != from) hub_->post(StateChanged{id, from, to});
  if (to == JobState::transferred) hub_->post(JobTransferred{id}, job.owed_edition);
  if (to == JobState::error) hub_->post(JobFailed{id, *job.record.error}, job.owed_edition);
  if (to == JobState::transient_error && job.record.error) {
    hub_->post(AttemptFailed{id, *job.record.error, waiting(lock, job)});
  }
  note_move(lock, job, from);
  job.changed.notify();
  changed.notify();
  wake(lock);
  return true;
}

void Model::note_move(const Lock& lock, const JobCore& job, JobState from) {
  const JobRecord& record = job.record;
  const std::string why = record.error ? record.error->message() : std::string();
  switch (record.state) {
    case JobState::transient_error:
      meter.attempts_failed.add();
      return note(lock, LogEvent::job_attempt_failed, why, record.id);
    case JobState::error: meter.jobs_failed.add(); return note(lock, LogEvent::job_failed, why, record.id);
    case JobState::transferred:
      meter.jobs_transferred.add();
      return note(lock, LogEvent::job_transferred, record.options.display_name, record.id);
    case JobState::completed:
      meter.jobs_completed.add();
      return note(lock, LogEvent::job_completed, record.options.display_name, record.id);
    case JobState::cancelled:
      meter.jobs_cancelled.add();
      return note(lock, LogEvent::job_cancelled, record.options.display_name, record.id);
    default: break;
  }
  if (!log_.wants(LogEvent::job_state)) return;
  note(lock, LogEvent::job_state, std::string(to_string(from)) + " -> " + std::string(to_string(record.state)),
       record.id);
}

/// The model may be gone by the time that the host's function returns.
void Model::let_go(std::unique_lock<std::mutex>& held) const noexcept {
  Leavings leavings = std::exchange(leavings_, {});
  const Log log = log_;
  held.unlock();
  for (LogEntry& entry : leavings.noted) log.say(std::move(entry));
}

/// Only connecting and transferring count (spec part 3.2).
void Model::count_active_time(JobCore& job, JobState to) {
  const Clock::TimePoint now = clock_->now();
  job.touched = now;
  if (job.running_since) job.active_time += now - *job.running_since;
  job.running_since.reset();
  if (is_running(to)) job.running_since = now;
}

void Model::restart_active_time(const Lock&, JobCore& job) {
  job.active_time = Clock::Duration{0};
  if (job.running_since) job.running_since = clock_->now();
}

void Model::note_started(const Lock& lock, JobCore& job, FileIndex file) {
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  const FileFacts& facts = *record.facts;
  commit(lock, job,
         FileStarted{job.record.id, file, record.generation, facts.identity, record.size, facts.resource_size,
                     facts.validator, facts.modified, facts.source, facts.reported});
}

void Model::restart_file(const Lock& lock, JobCore& job, FileIndex file) {
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  meter.files_restarted.add();
  if (BGXFER_MUTANT(8)) return apply(job.record, FileRestarted{job.record.id, file, record.generation});
  commit(lock, job, FileRestarted{job.record.id, file, record.generation + 1});
}

void Model::forget_unsynced_bytes(const Lock& lock, JobCore& job, FileIndex file) {
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  if (record.facts) keep_bytes(lock, job, file, durable_bytes(*record.facts));
}

void Model::keep_bytes(const Lock& lock, JobCore& job, FileIndex file, const RangeSet& kept) {
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  const FileFacts& facts = *record.facts;
  RangeSet durable = kept;
  RangeSet unsynced;
  for (ByteRange range : facts.unsynced.ranges()) {
    durable.subtract(range);
    ByteRange rest = range;
    for (ByteRange lost : kept.gaps(range)) {
      unsynced.add(ByteRange::between(rest.offset, lost.offset));
      rest = ByteRange::between(lost.end(), range.end());
    }
    unsynced.add(rest);
  }
  // Under a new generation, so that what the old one claimed is void for every later reader of the journal.
  const std::uint32_t generation = record.generation + 1;
  const FileStarted again{
      job.record.id,   file,           generation,   facts.identity, record.size, facts.resource_size,
      facts.validator, facts.modified, facts.source, facts.reported};
  commit(lock, job, FileRestarted{job.record.id, file, generation});
  if (kept.empty()) return;
  commit(lock, job, again);
  if (!durable.empty()) commit(lock, job, FileProgressed{job.record.id, file, generation, true, durable.ranges()});
  if (!unsynced.empty()) commit(lock, job, FileProgressed{job.record.id, file, generation, false, unsynced.ranges()});
}

void Model::arrived(const Lock& lock, JobCore& job, FileIndex file, ByteRange range) {
  add_arrived(job.record, job.record.files[static_cast<std::size_t>(file)], range);
  job.speed.add(range.length, clock_->now());
  job.touched = clock_->now();
  job.failing_since.reset();
  job.attempts = 0;
  if (is_final(job.record.state))
    return;  // It was under way to the disk; nobody hears of anything after the final event.
  const JobOptions& options = job.record.options;
  if (options.download.on_demand && has(options.notify.events, Notify::ranges_transferred)) {
    job.fresh_ranges[static_cast<std::uint32_t>(file)].add(range);
  }
  if (!job.wishes.empty() && is_served(job, file)) job.changed.notify();
  if (!job.modified || !job.fresh_ranges.empty()) note_modified(lock, job);
  tell_progress(lock, job, false);
}

void Model::tell_progress(const Lock& lock, JobCore& job, bool now) {
  const Clock::TimePoint time = clock_->now();
  if (!now && job.progress_told && time < *job.progress_told + progress_interval) return;
  job.progress_told = time;
  hub_->post(ProgressMade{job.record.id, progress(lock, job)});
}

Waiting Model::waiting(const Lock&, const JobCore& job) const {
  const JobRecord& record = job.record;
  Waiting waiting;
  std::optional<Clock::TimePoint> until;
  // Every byte may be there, but nothing is done before the journal says so.
  const bool sealing = is_running(record.state) && record.totals.files_finished == record.files.size();
  if (journal_retry_ && (sealing || record.committing)) {
    waiting.reason = WaitReason::journal;
    until = journal_retry_;
  } else if (record.state == JobState::queued) {
    waiting.reason = WaitReason::turn;
  } else if (record.state == JobState::transient_error) {
    waiting.reason = job.reason;
    until = job.next_attempt;
  }
  if (until) {
    const auto left = std::max(Clock::Duration{0}, *until - clock_->now());
    waiting.next_attempt_in = std::chrono::ceil<std::chrono::milliseconds>(left);
  }
  return waiting;
}

Progress Model::progress(const Lock&, const JobCore& job) const {
  Progress figures = progress_of(job.record);
  if (is_running(job.record.state)) figures.bytes_per_second = job.speed.bytes_per_second(clock_->now());
  if (figures.bytes_total && figures.bytes_per_second > 0) {
    const std::uint64_t left = *figures.bytes_total - std::min(*figures.bytes_total, figures.bytes_transferred);
    figures.time_left = std::chrono::seconds{static_cast<std::int64_t>(left / figures.bytes_per_second)};
  }
  return figures;
}

void Model::remind(const Lock& lock, std::optional<JobId> job) {
  const auto remind_of = [this, &lock](JobCore& core) {
    notify(lock, core);
    if (core.record.owes_transferred) hub_->post(JobTransferred{core.record.id}, core.owed_edition);
    if (core.record.owes_failed && core.record.error) {
      hub_->post(JobFailed{core.record.id, *core.record.error}, core.owed_edition);
    }
  };
  if (!job) {
    for (const JobId& id : order_) {
      if (auto found = jobs_.find(id); found != jobs_.end()) remind_of(*found->second);
    }
  } else if (auto found = jobs_.find(*job); found != jobs_.end()) {
    remind_of(*found->second);
  }
}

void Model::close(const Lock& lock, Error why) {
  if (closed_) return;
  closed_ = std::move(why);
  for (const auto& [id, core] : jobs_) core->changed.notify();
  changed.notify();
  wake(lock);
}

std::size_t Model::jobs_of(const Lock&, const std::string& owner) const {
  const auto found = jobs_of_.find(owner);
  return found == jobs_of_.end() ? 0 : found->second;
}

void Model::count_owner(const std::string& owner, bool add) {
  if (add) {
    ++jobs_of_[owner];
    return;
  }
  const auto found = jobs_of_.find(owner);
  if (found != jobs_of_.end() && --found->second == 0) jobs_of_.erase(found);
}

void Model::set_active(JobCore& job, bool active) {
  const bool was = job.active_index != JobCore::not_active;
  if (was == active) return;
  if (active) {
    job.active_index = active_.size();
    active_.push_back(&job);
    return;
  }
  active_[job.active_index] = active_.back();
  active_[job.active_index]->active_index = job.active_index;
  active_.pop_back();
  job.active_index = JobCore::not_active;
}

}  // namespace bgxfer::inline v0::detail
