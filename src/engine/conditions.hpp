#ifndef BGXFER_SRC_ENGINE_CONDITIONS_HPP
#define BGXFER_SRC_ENGINE_CONDITIONS_HPP

#include <memory>

#include <bgxfer/restore_report.hpp>
#include <bgxfer/result.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

class Engine;

// What hosts await, as coroutines that own what they wait for: a wait may outlive the handle that it came from.

asio::awaitable<Result<void>> job_transferred(Model::Core job);
asio::awaitable<Result<void>> job_completed(Model::Core job);
asio::awaitable<Result<void>> file_transferred(Model::Core job, FileIndex file);
asio::awaitable<Result<void>> file_served(Model::Core job, FileIndex file);

asio::awaitable<Result<RestoreReport>> queue_restored(std::shared_ptr<Engine> engine);
asio::awaitable<Result<void>> queue_saved(std::shared_ptr<Engine> engine);
asio::awaitable<void> queue_drained(std::shared_ptr<Engine> engine);
asio::awaitable<void> queue_closed(std::shared_ptr<Engine> engine);

}  // namespace bgxfer::inline v0::detail

#endif
