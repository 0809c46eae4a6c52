#ifndef BGXFER_SRC_ENGINE_TASK_CONTEXT_HPP
#define BGXFER_SRC_ENGINE_TASK_CONTEXT_HPP

#include <memory>

#include <bgxfer/commit_guard.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/request_provider.hpp>
#include <bgxfer/storage.hpp>
#include <bgxfer/transport.hpp>

#include "buffer_pool.hpp"
#include "checkpoint.hpp"
#include "host_book.hpp"
#include "journal_pump.hpp"
#include "model.hpp"
#include "secret_keeper.hpp"

namespace bgxfer::inline v0::detail {

/// What the coroutines that work for a job need of the queue. Alive as long as any of them.
struct TaskContext {
  asio::any_io_executor executor;  ///< The host's.
  asio::any_io_executor strand;    ///< The engine's own.
  std::shared_ptr<Model> model;
  std::shared_ptr<Transport> transport;
  std::shared_ptr<Storage> storage;
  std::shared_ptr<JournalPump> pump;  ///< Empty for a queue without a journal.
  std::shared_ptr<Checkpoint> checkpoint;
  std::shared_ptr<BufferPool> buffers;
  std::shared_ptr<HostBook> hosts;        ///< What is known of the origins, and who is at work there.
  std::shared_ptr<SecretKeeper> secrets;  ///< Empty for a queue without a store or without a journal.
  std::shared_ptr<RequestProvider> requests;
  std::shared_ptr<CommitGuard> guard;
  Sha256Factory sha256;

  [[nodiscard]] Clock& clock() const noexcept { return model->clock(); }
  [[nodiscard]] const Log& log() const noexcept { return model->log(); }
  [[nodiscard]] const Limits& limits() const noexcept { return model->limits(); }

  /// Resolves when every change so far is durable; at once for a queue without a journal.
  asio::awaitable<Result<void>> saved() const;
};

}  // namespace bgxfer::inline v0::detail

#endif
