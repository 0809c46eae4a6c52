#ifndef BGXFER_SRC_ENGINE_VERDICT_HPP
#define BGXFER_SRC_ENGINE_VERDICT_HPP

#include <exception>
#include <functional>

#include <bgxfer/error.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

/// What an exception from a host's policy amounts to: an error of that job, never of the queue.
[[nodiscard]] Error error_of(std::exception_ptr thrown);

template <class T>
using PolicyCall = std::function<asio::awaitable<Result<T>>()>;

/// Makes a call of a host's policy, whose exceptions, at once or later, are its error. `call` has a name of its own
/// (docs/toolchain.md, F1), and stays until this resolves.
template <class T>
asio::awaitable<Result<T>> caught(const PolicyCall<T>& call) {
  try {
    co_return co_await call();
  } catch (...) {
    co_return error_of(std::current_exception());
  }
}
template <class T>
void caught(const PolicyCall<T>&& call) = delete;

/// Whether there is no room on the disk (or left of the quota): a hold, not a failure.
[[nodiscard]] bool is_disk_full(std::error_code code) noexcept;

/// Whether the same would come however long one waits. A server that says when to come back means a refusal to pass
/// (bad-servers.md row 37), and the host may change its opinion of a certificate.
[[nodiscard]] bool is_for_good(const Error& error) noexcept;

/// Moves a running job to where its failure leads: to `transient_error` with a reason and the time of the next
/// attempt, or to `error` if the failure is permanent or the budget of time without progress is spent.
void settle(const Model::Lock& lock, Model& model, JobCore& job, const Error& error);

/// On which networks the job may run: its own word, or that of its priority.
[[nodiscard]] TransferPolicy policy_of(const JobCore& job, const Limits& limits) noexcept;

/// When a running job has used up its maximum download time; empty if it has no limit.
[[nodiscard]] std::optional<Clock::TimePoint> time_limit(const JobCore& job, const Limits& limits);

/// When something has to be decided about a job in `transient_error`: the next attempt, or the end of its budget.
[[nodiscard]] std::optional<Clock::TimePoint> due_time(const JobCore& job);

}  // namespace bgxfer::inline v0::detail

#endif
