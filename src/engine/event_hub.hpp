#ifndef BGXFER_SRC_ENGINE_EVENT_HUB_HPP
#define BGXFER_SRC_ENGINE_EVENT_HUB_HPP

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <bgxfer/event.hpp>
#include <bgxfer/options.hpp>

#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0::detail {

/// One registered callback. It lives as long as the host's `Subscription`.
class Registration {
 public:
  Registration(std::optional<JobId> only, std::function<void(const Event&)> callback)
      : job_(only), callback_(std::move(callback)) {}

  /// Whether this callback wants to hear of `job`.
  [[nodiscard]] bool wants(JobId job) const { return !job_ || *job_ == job; }

  /// What became of an event.
  enum class Outcome : std::uint8_t { unheard, thrown, taken };

  /// Runs the callback, unless it was cancelled.
  Outcome deliver(const Event& event);

  /// The callback will not run again. Waits for a call that is running on another thread.
  void cancel();

 private:
  std::recursive_mutex running_;  // recursive: a callback may cancel itself
  std::optional<JobId> job_;
  std::function<void(const Event&)> callback_;
};

/// Carries events to the host: in order, one at a time, with no lock held, on the host's dispatcher.
/// Thread-safe; `post` never runs a callback itself.
class EventHub : public std::enable_shared_from_this<EventHub> {
 public:
  /// `executor` is sequential. `delivered` is told of each owed event that callbacks were called with, by the edition
  /// that it was posted with, and whether one of them has taken it: returned, that is.
  EventHub(asio::any_io_executor executor, Dispatcher dispatch);

  using Delivered = std::function<void(JobId, std::uint64_t edition, bool taken)>;
  void on_delivered(Delivered delivered);

  std::shared_ptr<Registration> subscribe(std::optional<JobId> job, std::function<void(const Event&)> callback);

  /// Nobody is told anything if nobody listens. Progress of a job that is still in the queue is replaced.
  void post(Event event, std::uint64_t edition = 0);

  /// Forgets what is waiting and everyone who listens.
  void close();

 private:
  struct Posted {
    Event event;
    std::uint64_t edition = 0;
  };

  /// What left the queue, and who is to hear of it.
  struct Telling {
    Posted posted;
    std::vector<std::shared_ptr<Registration>> listeners;
    Delivered delivered;
  };

  void schedule();
  void dispatch();
  void drain();
  std::optional<Telling> next();
  static void tell(const Telling& telling);

  asio::any_io_executor executor_;
  Dispatcher dispatch_;
  std::mutex mutex_;
  Delivered delivered_;
  std::deque<Posted> waiting_;
  std::vector<std::weak_ptr<Registration>> listeners_;
  bool draining_ = false;  // a drain is on its way to the host's thread, or running there
};

}  // namespace bgxfer::inline v0::detail

#endif
