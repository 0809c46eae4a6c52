#ifndef BGXFER_SRC_ENGINE_CHECKPOINT_HPP
#define BGXFER_SRC_ENGINE_CHECKPOINT_HPP

#include <atomic>
#include <memory>
#include <vector>

#include <asio/cancellation_signal.hpp>

#include <bgxfer/storage.hpp>

#include "latch.hpp"
#include "model.hpp"
#include "open_file.hpp"

namespace bgxfer::inline v0::detail {

/// Makes what has arrived durable every `checkpoint_interval` while bytes arrive, beside the transfers, which do not
/// wait for it: data first, then the record that claims it. This bounds what a power cut costs.
class Checkpoint : public std::enable_shared_from_this<Checkpoint> {
 public:
  Checkpoint(asio::any_io_executor strand, std::shared_ptr<Model> model, std::shared_ptr<Storage> storage);

  /// Bytes of an open file have arrived, or a file was finished. Starts the clock if it stands. With the model locked.
  void dirty(const Model::Lock& lock, const std::shared_ptr<OpenFile>& file);
  void finished(const Model::Lock& lock, const Model::Core& job, FileIndex file);

  /// What writes the journal. Before any file is dirty, with the model locked.
  void attach(const Model::Lock&, std::shared_ptr<JournalPump> pump) { pump_ = std::move(pump); }

  /// No further checkpoints. With the model locked.
  void close(const Model::Lock& lock);

  /// After `close`: resolves when no sync is under way, and how the last one ended is said. On the strand.
  asio::awaitable<void> settled();

 private:
  class Round;

  struct FinishedFile {
    Model::Core job;
    FileIndex file;
  };

  void start(const Model::Lock& lock);
  [[nodiscard]] bool is_closed() const {
    Model::Lock lock = model_->lock();
    return closed_;
  }
  static asio::awaitable<void> run(std::shared_ptr<Checkpoint> self);
  asio::awaitable<void> sync_open(std::shared_ptr<OpenFile> file);
  asio::awaitable<void> sync_finished(std::vector<FinishedFile> files);

  const asio::any_io_executor strand_;
  const std::shared_ptr<Model> model_;
  const std::shared_ptr<Storage> storage_;

  Latch round_ended_;
  std::atomic<bool> at_work_ = false;

  // Guarded by the model's lock.
  std::shared_ptr<JournalPump> pump_;  ///< Set once: whoever syncs reads it without.
  std::vector<std::shared_ptr<OpenFile>> open_;
  std::vector<FinishedFile> finished_;
  bool running_ = false;
  bool closed_ = false;

  // On the strand.
  bool sleeping_ = false;
  asio::cancellation_signal wake_;
};

}  // namespace bgxfer::inline v0::detail

#endif
