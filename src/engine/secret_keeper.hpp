#ifndef BGXFER_SRC_ENGINE_SECRET_KEEPER_HPP
#define BGXFER_SRC_ENGINE_SECRET_KEEPER_HPP

#include <memory>
#include <vector>

#include <bgxfer/secret_store.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

/// Carries the secrets of jobs to the host's store, one after the other, beside everything else. The store has, a
/// moment later, what the jobs have; a crash in that moment costs the host another `configure`.
class SecretKeeper : public std::enable_shared_from_this<SecretKeeper> {
 public:
  SecretKeeper(asio::any_io_executor strand, std::shared_ptr<Model> model, std::shared_ptr<SecretStore> store)
      : strand_(std::move(strand)), model_(std::move(model)), store_(std::move(store)) {}

  /// The secrets of a job may have changed, or the job may have gone. With the model locked.
  void changed(const Model::Lock& lock, JobId job);

  /// Gives a job of the last run its secrets back, if the store has them. Before the job is in the model.
  asio::awaitable<void> restore(JobRecord& record);

 private:
  static asio::awaitable<void> run(std::shared_ptr<SecretKeeper> self);

  const asio::any_io_executor strand_;
  const std::shared_ptr<Model> model_;
  const std::shared_ptr<SecretStore> store_;

  // Guarded by the model's lock.
  std::vector<JobId> waiting_;
  bool running_ = false;
};

}  // namespace bgxfer::inline v0::detail

#endif
