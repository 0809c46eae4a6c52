#include "verdict.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "../base/mutant.hpp"
#include "../model/retry.hpp"
#include "../model/secrets.hpp"

namespace bgxfer::inline v0::detail {

Error error_of(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::system_error& error) {
    return Error(error.code(), ErrorContext::unknown, error.what());
  } catch (const std::bad_alloc&) {
    return Error(std::make_error_code(std::errc::not_enough_memory), ErrorContext::unknown);
  } catch (const std::exception& error) {
    return Error(Errc::invalid_argument, ErrorContext::unknown,
                 std::string("a policy of the host threw: ") + error.what());
  } catch (...) {
    return Error(Errc::invalid_argument, ErrorContext::unknown, "a policy of the host threw");
  }
}

bool is_disk_full(std::error_code code) noexcept {
  const bool quota = code.value() == EDQUOT &&
                     (code.category() == std::generic_category() || code.category() == std::system_category());
  return quota || code == std::errc::no_space_on_device;
}

bool is_for_good(const Error& error) noexcept {
  const bool hosts_opinion =
      error.context() == ErrorContext::server_certificate && error.code() != Errc::validator_needed;
  return error.code() == Failure::permanent && !error.retry_after() && !hosts_opinion;
}

void settle(const Model::Lock& lock, Model& model, JobCore& job, const Error& error) {
  const Clock::TimePoint now = model.clock().now();

  // Nothing of such a request may be repeated without being asked (spec part 3.11).
  if (job.record.options.http.method != default_method) {
    model.move(lock, job, Stimulus::custom_method_failed, error);
    return;
  }
  if (is_disk_full(error.code())) {
    // Only room ends this: no attempt is counted and no budget spent.
    job.reason = WaitReason::disk_space;
    job.next_attempt = now + model.limits().disk_space_retest;
    model.move(lock, job, Stimulus::blocked, error);
    return;
  }
  if (is_for_good(error)) {
    model.move(lock, job, Stimulus::failed_for_good, error);
    return;
  }

  ++job.attempts;
  if (!job.failing_since) job.failing_since = now;
  Failed failed;
  failed.attempts = job.attempts;
  failed.without_progress = now - *job.failing_since;
  failed.retry_after = error.retry_after();
  const auto delay = retry_delay(job.record.options, model.limits(), failed, model.random(lock));
  if (!delay) {
    model.move(lock, job, Stimulus::failed_for_good, error);
    return;
  }
  job.reason = error.retry_after() ? WaitReason::server : WaitReason::retry;
  job.next_attempt = BGXFER_MUTANT(31) ? Clock::TimePoint::max() : now + *delay;
  const bool connecting = job.record.state == JobState::connecting;
  model.move(lock, job, connecting ? Stimulus::connect_failed : Stimulus::failed_for_now, error);
}

TransferPolicy policy_of(const JobCore& job, const Limits& limits) noexcept {
  const JobOptions& options = job.record.options;
  return options.transfer_policy.value_or(limits.transfer_policy[static_cast<std::size_t>(options.priority)]);
}

std::optional<Clock::TimePoint> time_limit(const JobCore& job, const Limits& limits) {
  const auto limit = job.record.options.maximum_download_time.value_or(limits.maximum_download_time);
  if (limit <= std::chrono::milliseconds{0} || !job.running_since) return std::nullopt;
  return *job.running_since + std::max(Clock::Duration{0}, limit - job.active_time);
}

std::optional<Clock::TimePoint> due_time(const JobCore& job) {
  if (!job.next_attempt || job.reason == WaitReason::disk_space || !job.failing_since) return job.next_attempt;
  return std::min(*job.next_attempt, *job.failing_since + job.record.options.no_progress_timeout);
}

}  // namespace bgxfer::inline v0::detail
