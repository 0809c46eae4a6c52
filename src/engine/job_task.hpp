#ifndef BGXFER_SRC_ENGINE_JOB_TASK_HPP
#define BGXFER_SRC_ENGINE_JOB_TASK_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <bgxfer/result.hpp>

#include "job_core.hpp"
#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// Runs one job while it has its turn: up to `parallel_files` lanes, each a coroutine on a strand of its own that takes
/// one file after the other. The first failure ends the turn (spec part 1.2: a job is atomic for errors), every byte
/// that has arrived is kept. Only a server that turns down one connection too many costs no more than a lane, as long
/// as another one works.
class JobTask : public std::enable_shared_from_this<JobTask> {
 public:
  JobTask(std::shared_ptr<const TaskContext> context, Model::Core job);

  /// Starts the lanes. On the engine's strand, with the model locked.
  void start(const Model::Lock& lock);

  /// Ends the turn: lanes drop their connections and note what has arrived. Any thread; returns at once.
  void stop();

  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

 private:
  struct Lane;

  static asio::awaitable<void> run_lane(std::shared_ptr<JobTask> self);
  static asio::awaitable<void> seal(std::shared_ptr<JobTask> self);
  std::optional<FileIndex> take_file();
  void leave_file(FileIndex file);
  bool give_back(FileIndex file);
  [[nodiscard]] bool served() const;
  void fail(const Error& error);
  void lane_ended();
  void end();

  const std::shared_ptr<const TaskContext> context_;
  const Model::Core job_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  std::atomic<bool> stopping_ = false;

  // Guarded by the model's lock.
  std::size_t next_file_ = 0;
  std::set<FileIndex> at_work_;  ///< Files that a lane has.
  std::vector<FileIndex> given_back_;
  std::size_t lanes_alive_ = 0;
  std::size_t lanes_working_ = 0;  ///< Those that may still take a file.
  std::optional<Error> failure_;
};

/// Ends the turn of a job that has one. The bytes that have arrived are kept; the coroutines end in their own time.
inline void stop_task(const JobCore& job) {
  if (std::shared_ptr<JobTask> task = job.task.lock()) task->stop();
}

}  // namespace bgxfer::inline v0::detail

#endif
