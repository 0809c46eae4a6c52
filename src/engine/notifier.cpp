#include "notifier.hpp"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>

namespace bgxfer::inline v0::detail {

namespace {

/// A handler that fails at once shall not keep a processor busy, whatever the job's retry delay is.
constexpr std::chrono::milliseconds retry_pause_min{10};

/// Until what was not taken is told again.
std::chrono::milliseconds pause_of(const JobOptions& options) {
  return std::max(options.retry_delay_min, retry_pause_min);
}

}  // namespace

/// One thing to tell, and how to know afterwards whether it is still the same thing that is owed.
struct Notifier::Notice {
  Event event;
  std::optional<FileIndex> file{};  ///< Owed by this file.
  std::uint64_t edition = 0;        ///< Of the job's owed event, or of the file.
  bool owed = false;
};

Notifier::Notifier(asio::any_io_executor executor, Dispatcher dispatch, CommandRunner run_command, std::size_t at_once)
    : executor_(std::move(executor)),
      dispatch_(std::move(dispatch)),
      run_command_(std::move(run_command)),
      at_once_(at_once) {}

void Notifier::consider(const Model::Lock& lock, const Model::Core& job) {
  const JobRecord& record = job->record;
  if (closed_ || job->telling || record.committing || is_final(record.state) || !has_receiver(*job)) return;
  const bool owes = owed_notice(*job).has_value();
  if (!owes && !passing_notice(*job)) return;
  const Clock::TimePoint now = job->model->clock().now();
  const std::optional<Clock::TimePoint> not_before = owes ? job->tell_again : job->passing_again;
  if (not_before && *not_before > now) return later(lock, *job, *not_before);
  job->telling = true;
  (owes ? owed_ : passing_).push_back(job);
  call_next();
}

void Notifier::observed(const Model::Lock& lock, const Model::Core& job, std::uint64_t edition, bool taken) {
  if (closed_ || has_receiver(*job) || edition != job->owed_edition) return;
  if (taken) {
    job->tell_again.reset();
    job->model->commit(lock, *job, NoticeDelivered{job->record.id});
    return;
  }
  later(lock, *job, job->model->clock().now() + pause_of(job->record.options));
}

std::optional<Clock::TimePoint> Notifier::look_after(const Model::Lock& lock, Model& model, Clock::TimePoint now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const JobId id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    const Model::Core job = model.find(lock, id);
    if (!job) continue;
    job->look_after_at.reset();
    if (has_receiver(*job)) {
      consider(lock, job);
    } else {
      model.remind(lock, id);
    }
  }
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

void Notifier::close(const Model::Lock&) {
  closed_ = true;
  owed_.clear();
  passing_.clear();
  waiting_.clear();
}

/// The live one, else the one that the job names (spec part 6.3).
CoreHandler Notifier::handler_of(const JobCore& job) const {
  if (job.handler) return job.handler;
  const auto named = handlers_.find(job.record.options.notify.handler);
  return named == handlers_.end() ? nullptr : named->second;
}

bool Notifier::has_command(const JobCore& job) const {
  return run_command_ && !job.record.options.notify.command.program.empty();
}

bool Notifier::has_receiver(const JobCore& job) const {
  return job.handler || handlers_.contains(job.record.options.notify.handler) || has_command(job);
}

/// Files come before their job (spec part 6.2).
std::optional<Notifier::Notice> Notifier::owed_notice(const JobCore& job) {
  const JobRecord& record = job.record;
  const Notify wanted = record.options.notify.events;
  if (has(wanted, Notify::disable)) return std::nullopt;
  Notice notice;
  notice.owed = true;
  if (has(wanted, Notify::file_transferred) && !record.owed_files.empty()) {
    const std::uint64_t index = record.owed_files.ranges().front().offset;
    notice.file = static_cast<FileIndex>(index);
    notice.edition = record.files[static_cast<std::size_t>(index)].generation;
    notice.event = FileTransferred{record.id, *notice.file};
    return notice;
  }
  notice.edition = job.owed_edition;
  if (record.owes_transferred && has(wanted, Notify::transferred)) {
    notice.event = JobTransferred{record.id};
    return notice;
  }
  if (record.owes_failed && has(wanted, Notify::error)) {
    notice.event = JobFailed{record.id, record.error.value_or(Error(Errc::invalid_state, ErrorContext::unknown))};
    return notice;
  }
  return std::nullopt;
}

std::optional<Notifier::Notice> Notifier::passing_notice(const JobCore& job) {
  const JobRecord& record = job.record;
  const Notify wanted = record.options.notify.events;
  if (has(wanted, Notify::disable)) return std::nullopt;
  Notice notice;
  if (has(wanted, Notify::ranges_transferred) && !job.fresh_ranges.empty()) {
    const auto& [file, ranges] = *job.fresh_ranges.begin();
    notice.file = static_cast<FileIndex>(file);
    notice.event = FileRangesTransferred{record.id, *notice.file, ranges.ranges()};
    return notice;
  }
  if (!has(wanted, Notify::modification) || !job.modified) return std::nullopt;
  notice.event = JobModified{record.id};
  return notice;
}

void Notifier::later(const Model::Lock& lock, JobCore& job, Clock::TimePoint at) {
  if (job.look_after_at && *job.look_after_at <= at) return;
  job.look_after_at = at;
  waiting_.emplace(at, job.record.id);
  job.model->wake(lock);
}

/// Lets the next ones out of the line, as long as there is room.
void Notifier::call_next() {
  while (telling_ < at_once_ && !(owed_.empty() && passing_.empty())) {
    std::deque<Model::Core>& line = owed_.empty() ? passing_ : owed_;
    Model::Core job = std::move(line.front());
    line.pop_front();
    ++telling_;
    asio::post(executor_, [self = shared_from_this(), job = std::move(job)] { self->dispatch(job); });
  }
}

void Notifier::dispatch(const Model::Core& job) {
  if (!dispatch_) return tell(job);
  try {
    dispatch_([self = shared_from_this(), job] { self->tell(job); });
  } catch (...) {
    // The host did not take the call: perhaps it takes that of the next one in the line, and later this one.
    Model::Lock lock = job->model->lock();
    --telling_;
    job->telling = false;
    if (!closed_) later(lock, *job, job->model->clock().now() + pause_of(job->record.options));
    call_next();
    throw;
  }
}

void Notifier::tell(const Model::Core& job) {
  Model& model = *job->model;
  std::optional<Notice> notice;
  CoreHandler handler;
  NotifyCommand command;
  {
    Model::Lock lock = model.lock();
    // Much may have happened since the job got into the line.
    const bool moot = closed_ || job->record.committing || is_final(job->record.state);
    if (!moot) notice = owed_notice(*job);
    if (!moot && !notice) notice = passing_notice(*job);
    if (!notice) return leave(lock, job);
    handler = handler_of(*job);
    if (notice->owed && !notice->file && has_command(*job)) command = job->record.options.notify.command;
    if (!notice->owed) {
      job->passing_again = model.clock().now() + job->record.options.notify.interval_min;
      if (notice->file) {
        job->fresh_ranges.erase(static_cast<std::uint32_t>(*notice->file));
      } else {
        job->modified = false;
      }
    }
    model.effect_began(lock);
  }
  NotifyResult result = NotifyResult::retry;
  try {
    if (handler) result = handler(job, notice->event);
  } catch (...) {
    // "Not handled", like NotifyResult::retry. There is nobody to pass it on to.
    result = NotifyResult::retry;
  }
  const bool run = result == NotifyResult::retry && !command.program.empty();
  {
    Model::Lock lock = model.lock();
    if (!run) told(lock, job, *notice, result == NotifyResult::handled);
    model.effect_ended(lock);
  }
  if (!run) return;
  auto ended = [self = shared_from_this(), job, notice = *notice](std::error_code error, int exit_code) {
    Model::Lock lock = job->model->lock();
    self->told(lock, job, notice, !error && exit_code == 0);
  };
  const Event event = notice->event;
  try {
    run_command_(command, event, ended);
  } catch (...) {
    Model::Lock lock = model.lock();
    told(lock, job, *notice, false);
  }
}

void Notifier::told(const Model::Lock& lock, const Model::Core& job, const Notice& notice, bool handled) {
  Model& model = *job->model;
  const JobRecord& record = job->record;
  if (!closed_ && notice.owed && !is_final(record.state)) {
    if (!handled) {
      job->tell_again = model.clock().now() + pause_of(record.options);
    } else {
      job->tell_again.reset();
      // The handler may have let the same thing happen once more, and that is owed anew.
      const std::uint64_t edition =
          notice.file ? record.files[static_cast<std::size_t>(*notice.file)].generation : job->owed_edition;
      NoticeDelivered delivered{record.id};
      if (notice.file) delivered.files = {ByteRange{static_cast<std::uint64_t>(*notice.file), 1}};
      if (edition == notice.edition) model.commit(lock, *job, delivered);
    }
  }
  leave(lock, job);
}

void Notifier::leave(const Model::Lock& lock, const Model::Core& job) {
  --telling_;
  job->telling = false;
  consider(lock, job);
  call_next();
}

}  // namespace bgxfer::inline v0::detail
