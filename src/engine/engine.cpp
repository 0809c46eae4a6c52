#include "engine.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <asio/post.hpp>

#include "../ports/strand.hpp"
#include "conclusion.hpp"
#include "job_task.hpp"
#include "notifier.hpp"
#include "restore.hpp"
#include "schedule.hpp"
#include "spawn.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Buffers that wait for their next use: enough for a busy queue, little for an idle one.
constexpr std::size_t spare_buffers_max = 8;

Limits limits_of(const QueueOptions& options) {
  Limits limits = options.limits;
  if (options.limits_exempt) {
    constexpr auto endless = std::numeric_limits<std::size_t>::max();
    limits.jobs_max = limits.jobs_per_owner_max = limits.files_per_job_max = limits.ranges_per_file_max = endless;
  }
  return limits;
}

std::shared_ptr<TaskContext> make_context(const asio::any_io_executor& executor, const QueueOptions& options,
                                          Random random) {
  auto context = std::make_shared<TaskContext>();
  context->executor = executor;
  context->strand = Strand(executor);
  auto hub = std::make_shared<EventHub>(Strand(executor), options.dispatch);
  std::shared_ptr<Clock> clock = options.clock ? options.clock : make_steady_clock();
  context->model = std::make_shared<Model>(std::move(clock), limits_of(options), random, std::move(hub),
                                           Log(options.log, options.log_level));
  auto notifier =
      std::make_shared<Notifier>(executor, options.dispatch, options.run_command, options.limits.notifications_max);
  context->model->set_notifier(context->model->lock(), std::move(notifier));
  context->transport = options.transport;
  context->storage = options.storage;
  context->buffers =
      std::make_shared<BufferPool>(options.chunk_bytes, spare_buffers_max, options.limits.buffer_bytes_max);
  context->hosts = std::make_shared<HostBook>(options.limits.origins_known_max);
  context->sha256 = options.sha256;
  context->requests = options.requests;
  context->guard = options.commit_guard;
  if (options.secrets && !options.journal.empty()) {
    context->secrets = std::make_shared<SecretKeeper>(context->strand, context->model, options.secrets);
    context->model->on_secrets(
        [link = std::weak_ptr<SecretKeeper>(context->secrets)](const Model::Lock& lock, JobId job) {
          if (const std::shared_ptr<SecretKeeper> keeper = link.lock()) keeper->changed(lock, job);
        });
  }
  if (!options.journal.empty()) {
    context->checkpoint = std::make_shared<Checkpoint>(context->strand, context->model, options.storage);
  }
  return context;
}

/// What only the policies know of a file that is to be added.
Result<void> check_file(const TaskContext& context, const TargetCheck& check_target, const FileSpec& file) {
  Result<void> url = context.transport->check_url(file.url);
  if (!url) return url;
  for (const std::string& mirror : file.mirrors) {
    Result<void> possible = context.transport->check_url(mirror);
    if (!possible) return possible;
  }
  const bool hashed = file.sha256 || !file.pieces.sha256.empty();
  if (hashed && !context.sha256) return Error(Errc::digest_unavailable, ErrorContext::queue, public_url(file.url));
  return check_target(file.target);
}

}  // namespace

asio::awaitable<Result<void>> TaskContext::saved() const {
  if (!pump) co_return Result<void>{};
  co_return co_await pump->saved();
}

Engine::Engine(asio::any_io_executor executor, const QueueOptions& options, Random random)
    : context_(make_context(executor, options, random)), journal_(options.journal) {
  Model::Lock lock = model()->lock();
  model()->pacer(lock).set_rate(options.bytes_per_second_max);
  model()->set_host(lock, options.owner, static_cast<bool>(options.run_command));
}

Engine::~Engine() {
  // Handles keep their job and the model alive; nothing else may, or the two would keep each other.
  Model::Lock lock = model()->lock();
  model()->detach(lock);
  model()->forget_jobs(lock);
}

void Engine::set_handlers(std::map<std::string, CoreHandler> handlers) {
  Model::Lock lock = model()->lock();
  model()->notifier(lock).set_handlers(lock, std::move(handlers));
}

void Engine::start() {
  std::weak_ptr<Engine> weak = weak_from_this();
  alarm_ = std::make_unique<Alarm>(context_->strand, context_->model->shared_clock(), [weak] {
    if (auto self = weak.lock()) self->turn();
  });
  model()->on_wake([weak] {
    if (auto self = weak.lock()) self->wake();
  });
  std::weak_ptr<Model> model_link = model();
  model()->hub().on_delivered([model_link](JobId id, std::uint64_t edition, bool taken) {
    std::shared_ptr<Model> model = model_link.lock();
    if (!model) return;
    Model::Lock lock = model->lock();
    if (Model::Core job = model->find(lock, id)) model->notifier(lock).observed(lock, job, edition, taken);
  });

  // Weak: the context owns the model.
  model()->on_check([link = std::weak_ptr<TaskContext>(context_)]() -> Model::FileCheck {
    const std::shared_ptr<TaskContext> context = link.lock();
    if (!context) return [](const FileSpec&) { return Error(Errc::queue_closed, ErrorContext::queue); };
    return [context, check_target = context->storage->target_check()](const FileSpec& file) {
      return check_file(*context, check_target, file);
    };
  });
  model()->on_check_url(
      [transport = context_->transport](const std::string& url) { return transport->check_url(url); });

  if (journal_.empty()) {
    Model::Lock lock = model()->lock();
    ready_ = true;
    restored_ = RestoreReport();
    return;
  }
  {
    Model::Lock lock = model()->lock();
    model()->effect_began(lock);
  }
  spawn(context_->strand, restore(shared_from_this(), journal_), must_not_throw);
}

void Engine::wake() {
  if (woken_.exchange(true)) return;
  start_once(woken_, [this] {
    asio::post(context_->strand, [self = shared_from_this()] {
      self->woken_ = false;
      self->turn();
    });
  });
}

/// Looks at the whole table once.
void Engine::turn() {
  Model::Lock lock = model()->lock();
  if (closing_) {
    alarm_->set(std::nullopt);
    if (model()->working(lock) || std::exchange(winding_up_, true)) return;
    spawn(context_->strand, wind_up(shared_from_this()), must_not_throw);
    return;
  }
  if (!ready_) return;
  const Clock::TimePoint now = context_->clock().now();
  wake_sleepers(lock, now);
  std::optional<Clock::TimePoint> next;
  run_schedule(lock, now, next);
  stop_overtime(lock, now, next);
  if (const auto due = model()->notifier(lock).look_after(lock, *model(), now))
    next = std::min(next.value_or(*due), *due);
  cancel_inactive(lock, now, next);
  finish_jobs(lock);
  for (const JobCore* job : model()->active(lock)) {
    if (job->record.state != JobState::transient_error) continue;
    if (const auto due = due_time(*job)) next = std::min(next.value_or(*due), *due);
  }
  alarm_->set(next);
}

/// Jobs whose wait is over go back into the line; those whose budget is spent fail; without a network all wait.
void Engine::wake_sleepers(const Model::Lock& lock, Clock::TimePoint now) {
  const std::vector<JobCore*> active = model()->active(lock);
  for (JobCore* job : active) {
    if (model()->offline(lock) && job->record.state != JobState::transient_error) {
      job->reason = WaitReason::network;
      job->next_attempt.reset();
      model()->move(lock, *job, Stimulus::network_lost, Error(Errc::network_disconnected, ErrorContext::transport));
      stop_task(*job);
      continue;
    }
    const bool allowed = allows(policy_of(*job, model()->limits()), model()->cost(lock));
    if (job->record.state != JobState::transient_error) {
      if (!allowed) block_by_cost(lock, *job);
      continue;
    }
    if (job->reason == WaitReason::cost && allowed && !model()->offline(lock))
      model()->move(lock, *job, Stimulus::unblocked);
    const std::optional<Clock::TimePoint> due = due_time(*job);
    if (!due || *due > now) continue;
    if (*job->next_attempt <= now && model()->offline(lock)) {
      job->reason = WaitReason::network;  // T17 wakes it.
      job->next_attempt.reset();
    } else if (*job->next_attempt <= now && !allowed) {
      block_by_cost(lock, *job);
    } else if (*job->next_attempt <= now) {
      const bool blocked = job->reason == WaitReason::disk_space;
      model()->move(lock, *job, blocked ? Stimulus::unblocked : Stimulus::retry_due);
    } else {
      model()->move(lock, *job, Stimulus::no_progress, job->record.error);
    }
  }
}

/// No attempt is counted, and only the host's word ends it (spec part 9.5).
void Engine::block_by_cost(const Model::Lock& lock, JobCore& job) {
  const NetworkCost cost = model()->cost(lock);
  const TransferPolicy policy = policy_of(job, model()->limits());
  std::string detail = "the network is " + std::string(to_string(cost.state)) +
                       (cost.congested ? " and congested" : "") + "; the job's transfer policy is " +
                       std::string(to_string(policy));
  job.reason = WaitReason::cost;
  job.next_attempt.reset();
  model()->move(lock, job, Stimulus::blocked, Error(Errc::blocked_by_cost, ErrorContext::queue, std::move(detail)));
  stop_task(job);
}

/// Jobs that have run for longer than they may (spec part 1.3, T26).
void Engine::stop_overtime(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next) {
  const std::vector<JobCore*> active = model()->active(lock);
  for (JobCore* job : active) {
    const std::optional<Clock::TimePoint> end = time_limit(*job, model()->limits());
    // One that is being completed cannot fail any more.
    if (!end || job->record.committing) continue;
    if (*end > now) {
      next = std::min(next.value_or(*end), *end);
      continue;
    }
    model()->move(lock, *job, Stimulus::too_long,
                  Error(Errc::download_time_exceeded, ErrorContext::queue, job->record.options.display_name));
    stop_task(*job);
  }
}

/// Jobs that nobody has looked after (spec part 1.3, T25). The whole table is looked at only when the first of them may
/// be due, which is seldom.
void Engine::cancel_inactive(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next) {
  const std::optional<Clock::TimePoint> due = model()->inactivity_due(lock);
  if (!due) return;
  if (model()->jobs(lock).empty()) {
    model()->set_inactivity_due(lock, std::nullopt);
    return;
  }
  if (*due <= now) {
    std::optional<Clock::TimePoint> first;
    for (const Model::Core& job : model()->jobs(lock)) {
      if (is_final(job->record.state) || job->record.committing) continue;
      const Clock::TimePoint end = job->touched + model()->limits().inactivity_timeout;
      if (end > now) {
        first = std::min(first.value_or(end), end);
        continue;
      }
      model()->note(lock, LogEvent::job_inactive, job->record.options.display_name, job->record.id);
      model()->move(lock, *job, Stimulus::inactive);
      stop_task(*job);
      model()->end_later(lock, *job);
    }
    model()->set_inactivity_due(lock, first);
  }
  if (const auto later = model()->inactivity_due(lock)) next = std::min(next.value_or(*later), *later);
}

void Engine::run_schedule(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next) {
  std::vector<Candidate> candidates;
  std::vector<JobCore*> jobs;
  for (JobCore* job : model()->active(lock)) {
    if (job->record.state == JobState::transient_error || job->record.committing) continue;
    const bool has_turn = is_running(job->record.state);
    // One that has just lost its turn is still packing up: it is not given the next one before it has.
    if (!has_turn && !job->task.expired()) continue;
    candidates.push_back(Candidate{job->record.options.priority, has_turn, job->place, job->slice_began});
    jobs.push_back(job);
  }
  const Schedule schedule = choose(candidates, model()->limits(), now);
  for (std::size_t i : schedule.stop) {
    stop_task(*jobs[i]);
    model()->move(lock, *jobs[i], Stimulus::preempted);
  }
  for (std::size_t i : schedule.start) start_job(lock, *jobs[i], now);
  next = schedule.look_again;
}

void Engine::start_job(const Model::Lock& lock, JobCore& job, Clock::TimePoint now) {
  if (!model()->move(lock, job, Stimulus::selected)) return;
  job.slice_began = now;
  // What works for a job keeps the engine, which has the last word.
  std::shared_ptr<const TaskContext> context(shared_from_this(), context_.get());
  auto task = std::make_shared<JobTask>(std::move(context), model()->find(lock, job.record.id));
  job.task = task;
  task->start(lock);
}

/// Commands that end a job leave the rest to a coroutine, which begins when the job's own have ended.
void Engine::finish_jobs(const Model::Lock& lock) {
  for (const Model::Core& job : model()->take_ending(lock)) {
    if (!job->task.expired()) {
      stop_task(*job);
      model()->end_later(lock, *job);
      continue;
    }
    model()->effect_began(lock);
    spawn(context_->strand, dispose(shared_from_this(), job), must_not_throw);
  }
}

asio::awaitable<void> Engine::dispose(std::shared_ptr<Engine> self, Model::Core job) {
  Conclusion conclusion(*self->context_, job);
  co_await conclusion.run();
  Model::Lock lock = self->model()->lock();
  self->model()->effect_ended(lock);
}

void Engine::cost_changed(NetworkCost now) {
  Model::Lock lock = model()->lock();
  model()->set_cost(lock, now);
  model()->note(lock, LogEvent::queue_cost, std::string(to_string(now.state)) + (now.congested ? ", congested" : ""));
  model()->wake(lock);
}

void Engine::network_changed(bool online) {
  context_->transport->network_changed();
  Model::Lock lock = model()->lock();
  model()->set_offline(lock, !online);
  model()->note(lock, LogEvent::queue_network, online ? "online" : "offline");
  if (online) {
    // Spec part 1.3, T17: every job that waits tries again, whatever it waits for.
    const std::vector<JobCore*> active = model()->active(lock);
    for (JobCore* job : active) {
      if (job->record.state == JobState::transient_error) model()->move(lock, *job, Stimulus::network_back);
    }
  }
  model()->wake(lock);
}

void Engine::close() {
  std::shared_ptr<JournalPump> pump;
  {
    Model::Lock lock = model()->lock();
    if (std::exchange(closing_, true)) return;
    pump = context_->pump;
    for (const Model::Core& job : model()->jobs(lock)) {
      stop_task(*job);
    }
    if (context_->checkpoint) context_->checkpoint->close(lock);
    model()->notifier(lock).close(lock);
    model()->close(lock, Error(Errc::queue_closed, ErrorContext::queue));
    model()->wake(lock);
  }
  model()->hub().close();
  if (pump) pump->hurry();
}

/// Nothing works any more. The engine lives until the journal holds all that it was given, whether or not anybody waits
/// for that: a journal that is rewritten without the jobs would lose them.
asio::awaitable<void> Engine::wind_up(std::shared_ptr<Engine> self) {
  if (std::shared_ptr<JournalPump> pump = self->context_->pump) {
    pump->hurry();  // It may have been made after the queue was closed.
    // A sync of which the journal does not say how it ended costs the next run what it was of.
    co_await self->context_->checkpoint->settled();
    Result<void> written = co_await pump->finish();
    if (!written) self->context_->log().say(LogEvent::journal_incomplete, written.error().message());
  }
  self->context_->log().say(LogEvent::queue_closed, {});
  Model::Lock lock = self->model()->lock();
  self->ended_ = true;
  self->model()->changed.notify();
}

asio::awaitable<void> Engine::restore(std::shared_ptr<Engine> self, std::filesystem::path journal) {
  Restoration restoration(*self->context_);
  Result<RestoreReport> report = co_await restoration.run(std::move(journal));
  if (!report) self->restore_failed(report.error());
  Model::Lock lock = self->model()->lock();
  self->model()->effect_ended(lock);
  if (!report) co_return;
  self->note_restored(lock, *report);
  self->context_->pump = restoration.pump();
  self->restored_ = std::move(report);
  self->ready_ = true;
  self->model()->remind(lock, std::nullopt);
  self->model()->changed.notify();
  self->model()->wake(lock);
}

void Engine::note_restored(const Model::Lock& lock, const RestoreReport& report) const {
  if (report.records_lost > 0) {
    model()->note(lock, LogEvent::journal_damaged,
                  std::to_string(report.records_lost) + " records are lost; the damaged journal is kept as " +
                      report.damaged_copy.string());
  }
  for (const BytesLost& lost : report.lost) {
    model()->note(lock, LogEvent::file_bytes_lost, std::to_string(lost.bytes) + " bytes: " + lost.why, lost.job,
                  lost.file);
  }
  model()->note(lock, LogEvent::queue_restored,
                std::to_string(report.jobs_restored) + " jobs, " + std::to_string(report.bytes_to_fetch_again) +
                    " bytes to fetch again");
}

void Engine::restore_failed(const Error& error) {
  context_->log().say(LogEvent::journal_refused, error.message());
  Model::Lock lock = model()->lock();
  restored_ = error;
  model()->close(lock, error);
}

asio::awaitable<Result<RestoreReport>> Engine::restored() {
  for (;;) {
    const std::uint64_t seen = model()->changed.version();
    {
      Model::Lock lock = model()->lock();
      if (restored_) co_return *restored_;
      if (closing_) co_return Error(Errc::queue_closed, ErrorContext::queue);
    }
    const bool changed = co_await model()->changed.changed_since(seen);
    if (!changed) co_return Error(Errc::cancelled, ErrorContext::queue);
  }
}

asio::awaitable<Result<void>> Engine::saved() {
  Result<RestoreReport> report = co_await restored();
  if (!report) co_return report.error();
  co_return co_await context_->saved();
}

asio::awaitable<void> Engine::drained() {
  Result<RestoreReport> report = co_await restored();
  if (!report) co_return;
  for (;;) {
    const std::uint64_t seen = model()->changed.version();
    {
      Model::Lock lock = model()->lock();
      if (!model()->busy(lock) || closing_) co_return;
    }
    const bool changed = co_await model()->changed.changed_since(seen);
    if (!changed) co_return;
  }
}

/// Resolves when the last coroutine has ended and the journal holds all that it was given.
asio::awaitable<void> Engine::closed() {
  for (;;) {
    const std::uint64_t seen = model()->changed.version();
    {
      Model::Lock lock = model()->lock();
      if (ended_) co_return;
    }
    const bool changed = co_await model()->changed.changed_since(seen);
    if (!changed) co_return;
  }
}

Metrics Engine::metrics() const {
  const Meter& meter = model()->meter;
  Metrics now;
  now.bytes_received = meter.bytes_received.value();
  now.requests = meter.requests.value();
  now.responses_2xx = meter.responses_2xx.value();
  now.responses_3xx = meter.responses_3xx.value();
  now.responses_4xx = meter.responses_4xx.value();
  now.responses_5xx = meter.responses_5xx.value();
  now.requests_failed = meter.requests_failed.value();
  now.bodies_cut = meter.bodies_cut.value();
  now.jobs_added = meter.jobs_added.value();
  now.attempts_failed = meter.attempts_failed.value();
  now.jobs_transferred = meter.jobs_transferred.value();
  now.jobs_failed = meter.jobs_failed.value();
  now.jobs_completed = meter.jobs_completed.value();
  now.jobs_cancelled = meter.jobs_cancelled.value();
  now.files_finished = meter.files_finished.value();
  now.files_restarted = meter.files_restarted.value();
  now.checkpoints = meter.checkpoints.value();
  now.open_files = meter.open_files.value();
  const BufferPool::Figures buffers = context_->buffers->figures();
  now.buffers_lent = buffers.lent;
  now.buffers_spare = buffers.spare;
  Model::Lock lock = model()->lock();
  now.jobs = model()->in_state(lock);
  if (!context_->pump) return now;
  const Journal& journal = context_->pump->journal();
  const JournalFigures figures = journal.figures();
  now.journal_bytes = figures.bytes_written;
  now.journal_writes = figures.writes;
  now.journal_syncs = figures.syncs;
  now.journal_rewrites = figures.rewrites;
  now.journal_size = journal.size();
  return now;
}

}  // namespace bgxfer::inline v0::detail
