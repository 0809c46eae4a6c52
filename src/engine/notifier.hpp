#ifndef BGXFER_SRC_ENGINE_NOTIFIER_HPP
#define BGXFER_SRC_ENGINE_NOTIFIER_HPP

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <bgxfer/notify.hpp>
#include <bgxfer/options.hpp>

#include <bgxfer/detail/asio.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

/// Brings each job's notifications to its handler (spec part 6): for one job in order and never two at a time, for all
/// jobs together up to `Limits::notifications_max` at a time, and what is owed before what has merely changed.
///
/// What is owed is in the job's record, and so in the journal; here is only the line of jobs that have something to
/// tell. Everything is guarded by the model's lock, but handlers run without it.
class Notifier : public std::enable_shared_from_this<Notifier> {
 public:
  Notifier(asio::any_io_executor executor, Dispatcher dispatch, CommandRunner run_command, std::size_t at_once);

  /// The handlers that jobs name in their options. Once, before there are jobs.
  void set_handlers(const Model::Lock&, std::map<std::string, CoreHandler> handlers) {
    handlers_ = std::move(handlers);
  }

  /// Something about the job changed: if it has something to tell, it gets into the line.
  void consider(const Model::Lock& lock, const Model::Core& job);

  /// What a subscriber made of an owed event. It counts only where nobody else is responsible, and while the job still
  /// owes that same one.
  void observed(const Model::Lock& lock, const Model::Core& job, std::uint64_t edition, bool taken);

  /// Looks after those whose time has come, and says when the next one's comes.
  [[nodiscard]] std::optional<Clock::TimePoint> look_after(const Model::Lock& lock, Model& model, Clock::TimePoint now);

  /// Nobody is told anything any more.
  void close(const Model::Lock&);

 private:
  struct Notice;

  [[nodiscard]] CoreHandler handler_of(const JobCore& job) const;
  [[nodiscard]] bool has_command(const JobCore& job) const;
  [[nodiscard]] bool has_receiver(const JobCore& job) const;
  [[nodiscard]] static std::optional<Notice> owed_notice(const JobCore& job);
  [[nodiscard]] static std::optional<Notice> passing_notice(const JobCore& job);
  void later(const Model::Lock& lock, JobCore& job, Clock::TimePoint at);
  void call_next();
  void dispatch(const Model::Core& job);
  void tell(const Model::Core& job);
  void told(const Model::Lock& lock, const Model::Core& job, const Notice& notice, bool handled);
  void leave(const Model::Lock& lock, const Model::Core& job);

  const asio::any_io_executor executor_;
  const Dispatcher dispatch_;
  const CommandRunner run_command_;
  const std::size_t at_once_;
  std::map<std::string, CoreHandler> handlers_;
  std::deque<Model::Core> owed_;     // jobs that owe something
  std::deque<Model::Core> passing_;  // jobs of which something has changed
  std::multimap<Clock::TimePoint, JobId> waiting_;
  std::size_t telling_ = 0;
  bool closed_ = false;
};

}  // namespace bgxfer::inline v0::detail

#endif
