#ifndef BGXFER_SRC_ENGINE_CONCLUSION_HPP
#define BGXFER_SRC_ENGINE_CONCLUSION_HPP

#include <vector>

#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// Ends one job as its record says: gives finished files their names, or deletes what is temporary, then takes the job
/// out of the queue (spec parts 4.6 and 4.7). Runs when the job's transfers have ended, and again after a
/// crash: every step may be repeated.
class Conclusion {
 public:
  Conclusion(const TaskContext& context, Model::Core job) : context_(context), job_(std::move(job)) {}

  asio::awaitable<void> run();

 private:
  asio::awaitable<Result<void>> commit_files();
  asio::awaitable<Result<void>> ask_guard();
  asio::awaitable<void> discard_files();
  void commit_failed(const Error& error);

  const TaskContext& context_;
  const Model::Core job_;
  std::uint32_t committed_ = 0;
};

}  // namespace bgxfer::inline v0::detail

#endif
