#ifndef BGXFER_SRC_ENGINE_CHECKPOINT_HPP
#define BGXFER_SRC_ENGINE_CHECKPOINT_HPP

#include <memory>
#include <vector>

#include <asio/cancellation_signal.hpp>

#include <bgxfer/storage.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

class JournalPump;

/// A temporary file that is open for writing, as the checkpoint sees it. The file task owns it too.
struct OpenFile {
  OpenFile(Model::Core owner, FileIndex position, std::uint32_t number, std::shared_ptr<PartialFile> open)
      : job(std::move(owner)), file(position), generation(number), partial(std::move(open)) {
    job->model->meter.open_files.add();
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { job->model->meter.open_files.take(); }

  const Model::Core job;
  const FileIndex file;
  const std::uint32_t generation;  ///< Progress of any other generation is not its business.
  const std::shared_ptr<PartialFile> partial;
  bool noted = false;   ///< The journal knows identity and size. Guarded by the model's lock.
  bool failed = false;  ///< A sync failed: what was unsynced is forgotten. Guarded by the model's lock.
};

/// Makes what has arrived durable every `checkpoint_interval` while bytes arrive, beside the transfers, which do not
/// wait for it: data first, then the record that claims it. This bounds what a power cut costs.
class Checkpoint : public std::enable_shared_from_this<Checkpoint> {
 public:
  Checkpoint(asio::any_io_executor strand, std::shared_ptr<Model> model, std::shared_ptr<Storage> storage);

  /// Bytes of an open file have arrived, or a file was finished. Starts the clock if it stands. With the model locked.
  void dirty(const Model::Lock& lock, const std::shared_ptr<OpenFile>& file);
  void finished(const Model::Lock& lock, const Model::Core& job, FileIndex file);

  /// No further checkpoints. With the model locked.
  void close(const Model::Lock& lock);

 private:
  struct FinishedFile {
    Model::Core job;
    FileIndex file;
  };

  void start(const Model::Lock& lock);
  static asio::awaitable<void> run(std::shared_ptr<Checkpoint> self);
  asio::awaitable<void> sync_open(std::shared_ptr<OpenFile> file);
  asio::awaitable<void> sync_finished(std::vector<FinishedFile> files);

  const asio::any_io_executor strand_;
  const std::shared_ptr<Model> model_;
  const std::shared_ptr<Storage> storage_;

  // Guarded by the model's lock.
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
