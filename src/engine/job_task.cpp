#include "job_task.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "../ports/strand.hpp"
#include "durable.hpp"
#include "file_task.hpp"
#include "spawn.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Whether this is what a server says to one connection too many (bad-servers.md row 58). One that names a time means
/// all of them.
bool is_refusal(const Error& error) { return !error.retry_after() && refusal_of(error) != Refusal::none; }

}  // namespace

/// One file after the other, on a strand of its own.
struct JobTask::Lane {
  explicit Lane(const asio::any_io_executor& executor) : strand(Strand(executor)) {}

  asio::any_io_executor strand;
  asio::cancellation_signal cancel;  // on the strand
  bool alive = true;                 // on the strand
};

JobTask::JobTask(std::shared_ptr<const TaskContext> context, Model::Core job)
    : context_(std::move(context)), job_(std::move(job)) {}

void JobTask::start(const Model::Lock& lock) {
  const JobRecord& record = job_->record;
  const std::size_t open = record.files.size() - record.totals.files_finished;
  const std::size_t lanes = std::clamp<std::size_t>(open, 1, record.options.parallel_files);
  context_->model->effect_began(lock);
  lanes_alive_ = lanes_working_ = lanes;
  for (std::size_t i = 0; i < lanes; ++i) lanes_.push_back(std::make_shared<Lane>(context_->executor));

  for (const std::shared_ptr<Lane>& lane : lanes_) {
    auto ended = [self = shared_from_this(), lane](std::exception_ptr thrown) {
      lane->alive = false;
      if (thrown) self->fail(error_of(thrown));
      self->lane_ended();
    };
    spawn(lane->strand, run_lane(shared_from_this()),
          asio::bind_cancellation_slot(lane->cancel.slot(), std::move(ended)));
  }
}

void JobTask::stop() {
  if (stopping_.exchange(true)) return;
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    asio::post(lane->strand, [lane] {
      if (lane->alive) lane->cancel.emit(asio::cancellation_type::terminal);
    });
  }
}

asio::awaitable<void> JobTask::run_lane(std::shared_ptr<JobTask> self) {
  // A cancelled wait resolves like any other, and the loop sees that it is stopping: nothing is torn out midway.
  co_await asio::this_coro::throw_if_cancelled(false);
  const asio::any_io_executor strand = co_await asio::this_coro::executor;
  const BufferPool::Loan loan = self->context_->buffers->borrow();
  while (!self->stopping_) {
    const std::optional<FileIndex> file = self->take_file();
    if (!file) break;
    FileTask task(self->context_, strand, self->job_, *file, loan.bytes(),
                  std::shared_ptr<const std::atomic<bool>>(self, &self->stopping_));
    Result<void> outcome = co_await task.run();
    self->leave_file(*file);
    if (outcome || self->stopping_) continue;
    const Error error = outcome.error().with_file(static_cast<std::uint32_t>(*file));
    if (is_refusal(error) && self->give_back(*file)) break;
    self->fail(error);
  }
}

std::optional<FileIndex> JobTask::take_file() {
  Model::Lock lock = context_->model->lock();
  const std::vector<FileRecord>& files = job_->record.files;
  const auto take = [&](FileIndex file) {
    return files[static_cast<std::size_t>(file)].stage < FileStage::finished && at_work_.insert(file).second;
  };
  for (const auto& [index, wishes] : job_->wishes) {
    const auto file = static_cast<FileIndex>(index);
    if (!is_served(*job_, file) && take(file)) return file;
  }
  const bool only_wishes = job_->record.options.download.on_demand;
  while (!only_wishes && next_file_ < files.size()) {
    const auto file = static_cast<FileIndex>(next_file_++);
    if (take(file)) return file;
  }
  while (!given_back_.empty()) {
    const FileIndex file = given_back_.back();
    given_back_.pop_back();
    if (take(file)) return file;
  }
  --lanes_working_;
  return std::nullopt;
}

void JobTask::leave_file(FileIndex file) {
  Model::Lock lock = context_->model->lock();
  at_work_.erase(file);
}

/// Leaves the file to the lanes that still work, if there are any.
bool JobTask::give_back(FileIndex file) {
  Model::Lock lock = context_->model->lock();
  if (lanes_working_ < 2 || stopping_) return false;
  --lanes_working_;
  given_back_.push_back(file);
  return true;
}

void JobTask::fail(const Error& error) {
  {
    Model::Lock lock = context_->model->lock();
    if (!failure_ && !stopping_) failure_ = error;
  }
  stop();
}

void JobTask::lane_ended() {
  bool complete = false;
  {
    Model::Lock lock = context_->model->lock();
    if (--lanes_alive_ > 0) return;
    const JobRecord& record = job_->record;
    complete = !failure_ && !stopping_ && record.totals.files_finished == record.files.size();
  }
  if (!complete) return end();
  auto ended = [self = shared_from_this()](std::exception_ptr thrown) {
    if (thrown) self->fail(error_of(thrown));
    self->end();
  };
  spawn(context_->strand, seal(shared_from_this()), std::move(ended));
}

/// All bytes have arrived: they become durable, the journal says so, and then the host hears of it. In this order.
asio::awaitable<void> JobTask::seal(std::shared_ptr<JobTask> self) {
  Result<void> durable = co_await make_durable(*self->context_, self->job_);
  if (durable) durable = co_await self->context_->saved();
  if (!durable) {
    self->fail(durable.error());
    co_return;
  }
  Model::Lock lock = self->context_->model->lock();
  const JobRecord& record = self->job_->record;
  // Meanwhile the turn may have ended, or files may have been added.
  if (self->stopping_ || record.totals.files_finished != record.files.size()) co_return;
  self->context_->model->move(lock, *self->job_, Stimulus::connected);
  self->context_->model->move(lock, *self->job_, Stimulus::all_finished);
}

/// Whether an on-demand job has all that it was asked for, and not all there is.
bool JobTask::served() const {
  const JobRecord& record = job_->record;
  if (!record.options.download.on_demand || record.totals.files_finished == record.files.size()) return false;
  return std::all_of(job_->wishes.begin(), job_->wishes.end(),
                     [this](const auto& wish) { return is_served(*job_, static_cast<FileIndex>(wish.first)); });
}

/// The turn is over. If it failed, the job waits or stops as the failure deserves; else it goes back into the line,
/// unless somebody has moved it on already.
void JobTask::end() {
  asio::post(context_->strand, [self = shared_from_this()] {
    Model& model = *self->context_->model;
    Model::Lock lock = model.lock();
    JobCore& job = *self->job_;
    if (self->failure_ && is_running(job.record.state)) settle(lock, model, job, *self->failure_);
    if (is_running(job.record.state) && !self->stopping_ && self->served()) {
      // Nothing more is asked for (spec part 1.3, T31).
      model.move(lock, job, Stimulus::connected);
      model.move(lock, job, Stimulus::requested_ranges_done);
    }
    // More files may have been added while the last one ended.
    if (is_running(job.record.state)) model.move(lock, job, Stimulus::preempted);
    job.task.reset();
    model.effect_ended(lock);
  });
}

}  // namespace bgxfer::inline v0::detail
