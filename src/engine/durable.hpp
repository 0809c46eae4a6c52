#ifndef BGXFER_SRC_ENGINE_DURABLE_HPP
#define BGXFER_SRC_ENGINE_DURABLE_HPP

#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// Makes every finished file of the job durable, in one batch, and records it. After a failure none of them is
/// believed that was not durable before: a failed sync is never repeated.
asio::awaitable<Result<void>> make_durable(const TaskContext& context, Model::Core job);

}  // namespace bgxfer::inline v0::detail

#endif
