#ifndef BGXFER_SRC_ENGINE_OPEN_FILE_HPP
#define BGXFER_SRC_ENGINE_OPEN_FILE_HPP

#include <cstdint>
#include <memory>
#include <utility>

#include <bgxfer/storage.hpp>

#include "journal_pump.hpp"
#include "model.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

/// A temporary file that is open for writing, as whoever syncs it sees it. The file task owns it too.
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

/// What the model knows of the file, if it still is the one that was opened and still being fetched.
[[nodiscard]] FileFacts* facts_of(const Model::Lock& lock, const OpenFile& file);

/// Makes a call that syncs the file: the journal knows of it before, and what a failure may have taken is forgotten.
/// `sync` has a name of its own and stays until this resolves. `pump` is empty for a queue without a journal.
asio::awaitable<Result<void>> sync_noted(std::shared_ptr<OpenFile> file, std::shared_ptr<JournalPump> pump,
                                         const PolicyCall<void>& sync);

}  // namespace bgxfer::inline v0::detail

#endif
