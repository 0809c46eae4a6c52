#include "file_sync.hpp"

#include <utility>

#include "../base/mutant.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

FileSync::FileSync(std::shared_ptr<Model> model, std::shared_ptr<Storage> storage, std::shared_ptr<JournalPump> pump)
    : model_(std::move(model)), storage_(std::move(storage)), pump_(std::move(pump)) {}

void FileSync::add(const Model::Lock& lock, const Model::Core& job, FileIndex file) {
  SyncClaim& claim = claims_.try_emplace(job.get(), job).first->second;
  if (std::optional<FilePlace> place = claim.add(lock, file)) places_.push_back(*std::move(place));
}

asio::awaitable<Result<void>> FileSync::run() {
  if (places_.empty()) co_return Result<void>{};
  {
    Model::Lock lock = model_->lock();
    for (const auto& [job, claim] : claims_) claim.begin(lock);
  }
  Result<void> written;
  if (pump_) written = co_await pump_->all_written();
  Result<void> synced;
  const PolicyCall<void> sync = [this] { return storage_->sync(places_); };
  if (written && !BGXFER_MUTANT(16)) synced = co_await caught(sync);

  Model::Lock lock = model_->lock();
  for (const auto& [job, claim] : claims_) {
    if (!synced) {
      claim.forget(lock);
    } else if (written) {
      claim.confirm(lock);
    }
    claim.end(lock);
  }
  co_return written ? synced : written;
}

}  // namespace bgxfer::inline v0::detail
