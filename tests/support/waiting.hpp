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

}  // namespace bgxfer::test

#endif
