#ifndef BGXFER_SRC_ENGINE_SYNC_CLAIM_HPP
#define BGXFER_SRC_ENGINE_SYNC_CLAIM_HPP

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <bgxfer/storage.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

/// Finished files of one job while the storage syncs them, and what a sync that has succeeded may claim: those that
/// still are what they were when it began. A file that was fetched afresh meanwhile has bytes that it never saw.
class SyncClaim {
 public:
  explicit SyncClaim(Model::Core job) : job_(std::move(job)) {}

  /// Takes the file along if it is finished and not all of it is synced; says where it is then.
  std::optional<FilePlace> add(const Model::Lock&, FileIndex file);

  /// The sync is about to begin; it must not before the journal has this (`JournalPump::all_written`).
  void begin(const Model::Lock&) const;
  /// It has succeeded.
  void confirm(const Model::Lock&) const;
  /// It has failed, and may have dropped any of the bytes; it would succeed if it were repeated (reliability: fsync).
  void forget(const Model::Lock&) const;
  /// It has ended, or was not tried. After either of these.
  void end(const Model::Lock&) const;

 private:
  struct Claimed {
    FileIndex file;
    std::uint32_t generation;
  };

  [[nodiscard]] const FileRecord& record_of(FileIndex file) const {
    return job_->record.files[static_cast<std::size_t>(file)];
  }

  [[nodiscard]] std::vector<ByteRange> indexes() const;

  Model::Core job_;
  std::vector<Claimed> files_;
};

}  // namespace bgxfer::inline v0::detail

#endif
