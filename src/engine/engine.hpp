#ifndef BGXFER_SRC_ENGINE_ENGINE_HPP
#define BGXFER_SRC_ENGINE_ENGINE_HPP

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <bgxfer/metrics.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/restore_report.hpp>
#include <bgxfer/result.hpp>

#include "alarm.hpp"
#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// Runs the table of jobs: looks at it when something has changed, gives jobs their turn and takes it away, wakes those
/// whose time has come, and starts what a command left to do. Decides nothing itself: `choose`, `retry_delay` and
/// the table of transitions do.
///
/// While there is nothing to do the engine keeps no timer, no coroutine and no work on the host's executor.
class Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(asio::any_io_executor executor, const QueueOptions& options, Random random);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Begins to restore the journal, or is ready at once without one.
  void start();

  /// Stops everything that runs and says so to everyone who waits. Any thread; returns at once.
  void close();

  /// The handlers that jobs name in their options. Before `start`.
  void set_handlers(std::map<std::string, CoreHandler> handlers);

  [[nodiscard]] const std::shared_ptr<Model>& model() const noexcept { return context_->model; }
  [[nodiscard]] const TaskContext& context() const noexcept { return *context_; }

  /// Any thread.
  [[nodiscard]] Metrics metrics() const;

  /// The host's word about the network's cost. Any thread.
  void cost_changed(NetworkCost now);

  /// The host's word about the network. Any thread.
  void network_changed(bool online);

  // Conditions. The engine outlives the wait.
  asio::awaitable<Result<RestoreReport>> restored();
  asio::awaitable<Result<void>> saved();
  asio::awaitable<void> drained();
  asio::awaitable<void> closed();

 private:
  void wake();
  void turn();
  void block_by_cost(const Model::Lock& lock, JobCore& job);
  void stop_overtime(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next);
  void cancel_inactive(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next);
  void wake_sleepers(const Model::Lock& lock, Clock::TimePoint now);
  void run_schedule(const Model::Lock& lock, Clock::TimePoint now, std::optional<Clock::TimePoint>& next);
  void start_job(const Model::Lock& lock, JobCore& job, Clock::TimePoint now);
  void finish_jobs(const Model::Lock& lock);
  static asio::awaitable<void> restore(std::shared_ptr<Engine> self, std::filesystem::path journal);
  static asio::awaitable<void> wind_up(std::shared_ptr<Engine> self);
  static asio::awaitable<void> dispose(std::shared_ptr<Engine> self, Model::Core job);
  void restore_failed(const Error& error);
  void note_restored(const Model::Lock& lock, const RestoreReport& report) const;

  const std::shared_ptr<TaskContext> context_;
  const std::filesystem::path journal_;
  std::unique_ptr<Alarm> alarm_;  // on the strand
  std::atomic<bool> woken_ = false;

  // Guarded by the model's lock.
  bool ready_ = false;  // the journal has been read: jobs may run
  bool closing_ = false;
  bool winding_up_ = false;
  bool ended_ = false;  // nothing works any more, and the journal is written
  std::optional<Result<RestoreReport>> restored_;
};

}  // namespace bgxfer::inline v0::detail

#endif
