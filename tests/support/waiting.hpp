#ifndef BGXFER_TESTS_SUPPORT_WAITING_HPP
#define BGXFER_TESTS_SUPPORT_WAITING_HPP

#include <memory>
#include <optional>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "world.hpp"

namespace bgxfer::test {

/// What a condition ended with. Empty while it has not.
using Waited = std::shared_ptr<std::optional<Result<void>>>;

/// A condition of a job or of a file: `&Job::transferred`.
template <class Subject>
using Condition = asio::awaitable<Result<void>> (Subject::*)() const&;

template <class Subject>
asio::awaitable<void> note_end(Subject subject, Condition<Subject> condition, Waited out) {
  *out = co_await (subject.*condition)();
}

/// Begins to wait for a condition, and lets the world go on until nothing happens any more. The wait outlasts that.
template <class Subject>
Waited wait_for(World& world, Subject subject, Condition<Subject> condition) {
  auto outcome = std::make_shared<std::optional<Result<void>>>();
  asio::co_spawn(world.simulation.executor(), note_end(std::move(subject), condition, outcome), asio::detached);
  world.run();
  return outcome;
}

inline asio::awaitable<void> keep_report(const TransferQueue& queue, std::optional<Result<RestoreReport>>& kept) {
  Result<RestoreReport> report = co_await queue.restored();
  kept.emplace(std::move(report));
}

/// What a queue that was opened just now has to say of its journal.
inline Result<RestoreReport> report_of(World& world) {
  std::optional<Result<RestoreReport>> kept;
  asio::co_spawn(world.simulation.executor(), keep_report(*world.queue, kept), asio::detached);
  world.run_ready();
  return kept.value();
}

}  // namespace bgxfer::test

#endif
