#include "conditions.hpp"

#include <optional>
#include <utility>

#include "engine.hpp"

namespace bgxfer::inline v0::detail {

namespace {

using Outcome = std::optional<Result<void>>;
using Look = Outcome (*)(const JobCore& job, FileIndex file);

/// Looks at the job under its lock until `look` finds an outcome.
asio::awaitable<Result<void>> wait_for(Model::Core job, FileIndex file, Look look) {
  for (;;) {
    const std::uint64_t seen = job->changed.version();
    {
      Model::Lock lock = job->model->lock();
      Outcome outcome = look(*job, file);
      if (outcome) co_return *outcome;
      if (const std::optional<Error>& closed = job->model->closed(lock)) co_return *closed;
    }
    const bool changed = co_await job->changed.changed_since(seen);
    if (!changed) co_return Error(Errc::cancelled, ErrorContext::queue, "the wait was cancelled");
  }
}

Error job_cancelled(const JobCore& job) {
  return Error(Errc::cancelled, ErrorContext::queue, job.record.options.display_name);
}

Outcome look_for_transferred(const JobCore& job, FileIndex) {
  switch (job.record.state) {
    case JobState::transferred:
    case JobState::completed: return Result<void>{};
    case JobState::cancelled: return Result<void>(job_cancelled(job));
    case JobState::error:
      return Result<void>(job.record.error.value_or(Error(Errc::invalid_state, ErrorContext::unknown)));
    default: return std::nullopt;
  }
}

Outcome look_for_completed(const JobCore& job, FileIndex) {
  // A final job counts once its files are dealt with: only then do they stand under their names, or are gone.
  if (job.removed && job.record.state == JobState::completed) return Result<void>{};
  if (job.removed) return Result<void>(job_cancelled(job));
  if (job.commit_error && !job.record.committing) return Result<void>(*job.commit_error);
  return std::nullopt;
}

Outcome look_for_file(const JobCore& job, FileIndex file) {
  if (job.record.files[static_cast<std::size_t>(file)].stage >= FileStage::finished) return Result<void>{};
  if (job.record.state == JobState::completed) return Result<void>(job_cancelled(job));
  return look_for_transferred(job, file);
}

Outcome look_for_served(const JobCore& job, FileIndex file) {
  const auto index = static_cast<std::uint32_t>(file);
  if (is_served(job, file)) return Result<void>{};
  if (job.sequential.contains(index)) {
    return Result<void>(Error(Errc::random_access_unsupported, ErrorContext::remote_file).with_file(index));
  }
  return look_for_file(job, file);
}

}  // namespace

asio::awaitable<Result<void>> job_transferred(Model::Core job) {
  return wait_for(std::move(job), FileIndex{}, look_for_transferred);
}

asio::awaitable<Result<void>> job_completed(Model::Core job) {
  return wait_for(std::move(job), FileIndex{}, look_for_completed);
}

asio::awaitable<Result<void>> file_transferred(Model::Core job, FileIndex file) {
  return wait_for(std::move(job), file, look_for_file);
}

asio::awaitable<Result<void>> file_served(Model::Core job, FileIndex file) {
  return wait_for(std::move(job), file, look_for_served);
}

asio::awaitable<Result<RestoreReport>> queue_restored(std::shared_ptr<Engine> engine) {
  co_return co_await engine->restored();
}

asio::awaitable<Result<void>> queue_saved(std::shared_ptr<Engine> engine) { co_return co_await engine->saved(); }

asio::awaitable<void> queue_drained(std::shared_ptr<Engine> engine) { co_await engine->drained(); }

asio::awaitable<void> queue_closed(std::shared_ptr<Engine> engine) { co_await engine->closed(); }

}  // namespace bgxfer::inline v0::detail
