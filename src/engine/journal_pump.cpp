#include "journal_pump.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "../base/mutant.hpp"
#include "spawn.hpp"

namespace bgxfer::inline v0::detail {

namespace {

constexpr std::chrono::milliseconds pump_backoff_min{200};
constexpr std::chrono::milliseconds pump_backoff_max{30'000};

/// A queue that closes tries no more often than this, and at once.
constexpr int last_failures_max = 2;

}  // namespace

JournalPump::JournalPump(asio::any_io_executor strand, std::shared_ptr<Model> model, std::unique_ptr<Journal> journal)
    : strand_(std::move(strand)), model_(std::move(model)), journal_(std::move(journal)) {}

void JournalPump::kick(bool sync) {
  if (sync) sync_wanted_ = true;
  if (posted_.exchange(true)) return;
  start_once(posted_, [this] {
    asio::post(strand_, [self = shared_from_this()] {
      self->posted_ = false;
      self->write_wanted_ = true;
      self->start();
    });
  });
}

void JournalPump::kick_rewrite() {
  rewrite_wanted_ = true;
  kick(true);
}

asio::awaitable<void> JournalPump::rewrite_tried() {
  for (;;) {
    const std::uint64_t seen = progressed_.version();
    if (rewrite_tried_ || closed_) co_return;
    const bool changed = co_await progressed_.changed_since(seen);
    if (!changed) co_return;
  }
}

asio::awaitable<Result<void>> JournalPump::saved() { return reached(&Journal::durable, true); }

asio::awaitable<Result<void>> JournalPump::all_written() { return reached(&Journal::written, false); }

asio::awaitable<Result<void>> JournalPump::reached(ChangesOf changes, bool sync) {
  const std::uint64_t target = sync && BGXFER_MUTANT(9) ? 0 : journal_->added();
  for (;;) {
    const std::uint64_t seen = progressed_.version();
    if ((journal_.get()->*changes)() >= target) co_return Result<void>{};
    if (closed_) co_return Error(Errc::queue_closed, ErrorContext::queue);
    kick(sync);
    const bool changed = co_await progressed_.changed_since(seen);
    if (!changed) co_return Error(Errc::cancelled, ErrorContext::queue);
  }
}

asio::awaitable<void> JournalPump::written(std::uint64_t changes) {
  for (;;) {
    const std::uint64_t seen = progressed_.version();
    if (journal_->written() >= changes || journal_->failed() || closed_) co_return;
    const bool changed = co_await progressed_.changed_since(seen);
    if (!changed) co_return;
  }
}

void JournalPump::hurry() {
  asio::post(strand_, [self = shared_from_this()] {
    self->hurrying_ = true;
    if (self->sleeping_) self->wake_.emit(asio::cancellation_type::terminal);
  });
}

asio::awaitable<Result<void>> JournalPump::finish() {
  Result<void> written = co_await saved();
  close();
  co_return written;
}

void JournalPump::close() {
  closed_ = true;
  progressed_.notify();
}

void JournalPump::start() {
  if (running_ || closed_) return;
  start_once(running_, [this] {
    spawn(strand_, run(shared_from_this()), asio::bind_cancellation_slot(wake_.slot(), must_not_throw));
  });
}

asio::awaitable<void> JournalPump::run(std::shared_ptr<JournalPump> self) {
  // Only a sleep is ever cut short.
  co_await asio::this_coro::throw_if_cancelled(false);
  std::chrono::milliseconds backoff{0};
  int last_failures = 0;
  while (!self->closed_ && (self->write_wanted_ || self->sync_wanted_ || self->rewrite_wanted_)) {
    Result<void> stepped = co_await self->step();
    self->progressed_.notify();
    if (stepped) {
      if (backoff.count() == 0) continue;
      backoff = std::chrono::milliseconds{0};
      self->tell_retry(std::nullopt);
      self->model_->log().say(LogEvent::journal_recovered, {});
      continue;
    }
    // The journal has failed: only a complete new one is written from here on. Until then nothing is durable.
    if (backoff.count() == 0) self->model_->log().say(LogEvent::journal_failed, stepped.error().message());
    self->rewrite_wanted_ = true;
    if (self->hurrying_) {
      if (++last_failures < last_failures_max) continue;
      self->close();
      break;
    }
    backoff = std::clamp(backoff * 2, pump_backoff_min, pump_backoff_max);
    Clock& clock = self->model_->clock();
    const Clock::TimePoint again = clock.now() + backoff;
    self->tell_retry(again);
    self->sleeping_ = true;
    co_await clock.sleep_until(again);
    self->sleeping_ = false;
  }
  self->running_ = false;
  self->progressed_.notify();
}

void JournalPump::tell_retry(std::optional<Clock::TimePoint> at) {
  Model::Lock lock = model_->lock();
  model_->set_journal_retry(lock, at);
}

asio::awaitable<Result<void>> JournalPump::step() {
  if (rewrite_wanted_ || journal_->compaction_due()) {
    Result<void> rewritten = co_await rewrite();
    rewrite_tried_ = true;
    co_return rewritten;
  }
  write_wanted_ = false;
  const bool sync = sync_wanted_.exchange(false);
  Result<void> written = co_await journal_->write();
  if (!written) co_return written;
  if (!sync) co_return Result<void>{};
  progressed_.notify();  // Who waits for the writing alone need not wait for the disk.
  co_return co_await journal_->sync();
}

asio::awaitable<Result<void>> JournalPump::rewrite() {
  rewrite_wanted_ = false;
  {
    // Everything that the records say goes into the snapshot; what changes from here on is appended to it.
    Model::Lock lock = model_->lock();
    try {
      journal_->begin_rewrite(model_->clock().wall_now());
      const std::function<void(const Change&)> write = [this](const Change& change) { journal_->snapshot(change); };
      for (const Model::Core& core : model_->jobs(lock)) describe(core->record, write);
      journal_->end_snapshot();
    } catch (const std::bad_alloc&) {
      journal_->abandon_snapshot();
      co_return Error(std::make_error_code(std::errc::not_enough_memory), ErrorContext::queue);
    }
  }
  const std::uint64_t before = journal_->size();
  Result<void> finished = co_await journal_->finish_rewrite();
  if (finished && model_->log().wants(LogEvent::journal_rewritten)) {
    model_->log().say(LogEvent::journal_rewritten,
                      std::to_string(before) + " bytes before, " + std::to_string(journal_->size()) + " after");
  }
  co_return finished;
}

}  // namespace bgxfer::inline v0::detail
