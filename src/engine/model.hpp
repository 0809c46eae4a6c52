#ifndef BGXFER_SRC_ENGINE_MODEL_HPP
#define BGXFER_SRC_ENGINE_MODEL_HPP

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/result.hpp>

#include "../base/random.hpp"
#include "../journal/journal.hpp"
#include "../model/change.hpp"
#include "../model/transitions.hpp"
#include "event_hub.hpp"
#include "job_core.hpp"
#include "log.hpp"
#include "meter.hpp"
#include "pacer.hpp"

namespace bgxfer::inline v0::detail {

class Notifier;

/// All jobs of a queue, behind one mutex: the one place through which changes go. A change is applied to the record,
/// given to the journal, told to those who wait and to the host, and the engine is woken: always all of it, always in
/// this order.
///
/// The lock is held for short steps only, never across an await, I/O or a callback. Functions that need it
/// take it as their first argument, as proof.
class Model : public std::enable_shared_from_this<Model> {
 public:
  using Core = std::shared_ptr<JobCore>;

  /// Holds the model. Once it has let go, the log hears what was noted meanwhile, and what belongs to the host and is
  /// needed no more is destroyed: both are code of the host's, which may call back.
  class Lock {
   public:
    explicit Lock(const Model& model) : model_(model), held_(model.mutex_) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
      if (!model_.leavings_.empty()) model_.let_go(held_);
    }

   private:
    const Model& model_;
    std::unique_lock<std::mutex> held_;
  };

  Model(std::shared_ptr<Clock> clock, const Limits& limits, Random random, std::shared_ptr<EventHub> hub, Log log = {});

  [[nodiscard]] Lock lock() const { return Lock(*this); }

  // Jobs.
  [[nodiscard]] std::vector<Core> jobs(const Lock&) const;  ///< In the order in which they were added.
  [[nodiscard]] Core find(const Lock&, JobId id) const;
  [[nodiscard]] std::size_t size(const Lock&) const { return jobs_.size(); }
  Core create(const Lock& lock, JobOptions options);
  /// Takes over what the journal held. None of the jobs may be here already.
  void adopt(const Lock& lock, std::vector<JobRecord> records);
  /// The job is final and its files are dealt with: it leaves the queue, and handles keep it alive.
  void remove(const Lock& lock, JobCore& job);
  /// Jobs that run or want to, in no particular order.
  [[nodiscard]] const std::vector<JobCore*>& active(const Lock&) const { return active_; }
  /// Whether a job runs or wants to, or coroutines of one are alive.
  [[nodiscard]] bool busy(const Lock&) const { return !active_.empty() || effects_ > 0; }
  /// A coroutine that works for a job begins or has ended.
  void effect_began(const Lock&) { ++effects_; }
  void effect_ended(const Lock& lock);
  [[nodiscard]] bool working(const Lock&) const { return effects_ > 0; }
  /// The job was completed or cancelled: somebody has to deal with its files once its coroutines have ended.
  void end_later(const Lock& lock, JobCore& job);
  [[nodiscard]] std::vector<Core> take_ending(const Lock&) { return std::exchange(ending_, {}); }
  /// The queue is gone: only handles keep jobs from here on.
  void forget_jobs(const Lock&);

  // Changes.
  /// Applies and records a change other than of state.
  void commit(const Lock& lock, JobCore& job, const Change& change);
  /// Moves a job as the table says, with the error that goes with it. False if the table does not allow it.
  bool move(const Lock& lock, JobCore& job, Stimulus stimulus, std::optional<Error> error = std::nullopt);
  /// Bytes of a file have arrived: progress, speed, events. Not recorded: claims are.
  void arrived(const Lock& lock, JobCore& job, FileIndex file, ByteRange range);
  /// Tells the journal what the record knows of a started file.
  void note_started(const Lock& lock, JobCore& job, FileIndex file);
  /// The file starts again from nothing.
  void restart_file(const Lock& lock, JobCore& job, FileIndex file);
  /// The disk failed: of this file only what was synced before is still believed.
  void forget_unsynced_bytes(const Lock& lock, JobCore& job, FileIndex file);
  /// Of this file only these bytes are still believed. They are among those that arrived.
  void keep_bytes(const Lock& lock, JobCore& job, FileIndex file, const RangeSet& kept);
  /// The job goes to the end of the line of its equals.
  void requeue(const Lock&, JobCore& job) { job.place = ++last_place_; }

  // What others look at.
  /// How many jobs are in each state.
  [[nodiscard]] const std::array<std::uint64_t, 9>& in_state(const Lock&) const { return in_state_; }
  [[nodiscard]] Waiting waiting(const Lock&, const JobCore& job) const;
  [[nodiscard]] Progress progress(const Lock&, const JobCore& job) const;
  [[nodiscard]] std::uint64_t random(const Lock&) { return random_.next(); }
  [[nodiscard]] Pacer& pacer(const Lock&) { return pacer_; }
  /// The journal cannot be written, and will be tried again then; empty once it works.
  void set_journal_retry(const Lock&, std::optional<Clock::TimePoint> at) { journal_retry_ = at; }
  /// What the network costs, as the host said last.
  [[nodiscard]] NetworkCost cost(const Lock&) const { return cost_; }
  void set_cost(const Lock&, NetworkCost cost) { cost_ = cost; }
  /// For whom new jobs are, and whether they may have notify commands. Once, before there are jobs.
  void set_host(const Lock&, Owner owner, bool commands_allowed) {
    owner_ = std::move(owner);
    commands_allowed_ = commands_allowed;
  }
  [[nodiscard]] const Owner& owner(const Lock&) const { return owner_; }
  [[nodiscard]] bool commands_allowed(const Lock&) const { return commands_allowed_; }
  [[nodiscard]] std::size_t jobs_of(const Lock&, const std::string& owner) const;
  /// The job's time of `maximum_download_time` begins anew.
  void restart_active_time(const Lock&, JobCore& job);
  /// When the first job may turn out to be inactive: never later than that, perhaps earlier. Empty: no job can.
  [[nodiscard]] std::optional<Clock::TimePoint> inactivity_due(const Lock&) const { return inactivity_due_; }
  void set_inactivity_due(const Lock&, std::optional<Clock::TimePoint> due) { inactivity_due_ = due; }
  [[nodiscard]] bool offline(const Lock&) const { return offline_; }
  void set_offline(const Lock&, bool offline) { offline_ = offline; }
  /// Who tells handlers. Once, before there are jobs.
  void set_notifier(const Lock&, std::shared_ptr<Notifier> notifier) { notifier_ = std::move(notifier); }
  [[nodiscard]] Notifier& notifier(const Lock&) const { return *notifier_; }
  void set_handler(const Lock& lock, JobCore& job, CoreHandler handler);
  /// Sends again what nobody has taken yet. `job` empty: of all jobs.
  void remind(const Lock& lock, std::optional<JobId> job);

  // The journal: attached once it has been read, never for a queue without one.
  /// `recorded` is called with the lock held after each change, and must only post: `urgent` changes are synced soon.
  void attach(const Lock&, Journal* journal, std::function<void(bool urgent)> recorded);

  /// What changes from here on is in memory only.
  void detach(const Lock&);

  // The end, and what cannot be gone on with.
  void close(const Lock&, Error why);
  /// Why commands are refused; empty while they are not.
  [[nodiscard]] const std::optional<Error>& closed(const Lock&) const { return closed_; }

  /// Whether a file may be added, as far as the policies know. Made for the files of one `add`. Without the lock.
  using FileCheck = std::function<Result<void>(const FileSpec&)>;
  void on_check(std::function<FileCheck()> make) { make_check_ = std::move(make); }
  [[nodiscard]] FileCheck file_check() const { return make_check_(); }
  /// The same of a URL alone. With the lock or without it.
  void on_check_url(std::function<Result<void>(const std::string&)> check) { check_url_ = std::move(check); }
  [[nodiscard]] Result<void> check_url(const std::string& url) const { return check_url_(url); }

  /// Called, with the lock held, when the secrets of a job may have changed, and when it has gone. Must only post.
  void on_secrets(std::function<void(const Lock&, JobId)> notify) { secrets_ = std::move(notify); }
  void secrets_changed(const Lock& lock, JobId job) const {
    if (secrets_) secrets_(lock, job);
  }

  /// Called, with the lock held, when there may be something for the engine to do. Must only post.
  void on_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  void wake(const Lock&) const {
    if (wake_) wake_();
  }

  /// For the log, which hears of it once the lock is gone. Only what `log().wants`.
  void note(const Lock&, LogEvent event, std::string text, std::optional<JobId> job = std::nullopt,
            std::optional<FileIndex> file = std::nullopt) const {
    if (log_.wants(event)) leavings_.noted.push_back(make_entry(event, std::move(text), job, file));
  }
  /// For what is said without the lock.
  [[nodiscard]] const Log& log() const noexcept { return log_; }
  Meter meter;

  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
  [[nodiscard]] Clock& clock() const noexcept { return *clock_; }
  [[nodiscard]] const std::shared_ptr<Clock>& shared_clock() const noexcept { return clock_; }
  [[nodiscard]] EventHub& hub() const noexcept { return *hub_; }
  /// Notified when a job was added or removed, became active or idle, and when the queue closes.
  Latch changed;

 private:
  Core insert(JobRecord record);
  void record(const Change& change);
  void set_active(JobCore& job, bool active);
  void count_owner(const std::string& owner, bool add);
  void notify(const Lock& lock, JobCore& job);
  void note_modified(const Lock& lock, JobCore& job);
  void count_active_time(JobCore& job, JobState to);
  void tell_progress(const Lock& lock, JobCore& job, bool now);
  void note_move(const Lock& lock, const JobCore& job, JobState from);
  void drop_handler(JobCore& job);
  void let_go(std::unique_lock<std::mutex>& held) const noexcept;

  /// What waits for the end of the lock.
  struct Leavings {
    std::vector<LogEntry> noted{};
    std::vector<std::shared_ptr<const void>> things{};  ///< The host's: handlers, validators.
    std::unordered_map<JobId, Core> jobs{};             ///< With whatever the host has in their options.

    [[nodiscard]] bool empty() const noexcept { return noted.empty() && things.empty() && jobs.empty(); }
  };

  mutable std::mutex mutex_;
  mutable Leavings leavings_;
  const Log log_;
  const std::shared_ptr<Clock> clock_;
  const Limits limits_;
  Random random_;
  const std::shared_ptr<EventHub> hub_;
  std::shared_ptr<Notifier> notifier_;
  Journal* journal_ = nullptr;
  std::function<void(bool urgent)> recorded_;
  std::function<void()> wake_;
  std::function<void(const Lock&, JobId)> secrets_;
  std::function<FileCheck()> make_check_;
  std::function<Result<void>(const std::string&)> check_url_;

  std::unordered_map<JobId, Core> jobs_;
  std::vector<JobId> order_;
  std::vector<JobCore*> active_;
  std::array<std::uint64_t, 9> in_state_{};
  std::vector<Core> ending_;
  std::size_t effects_ = 0;
  std::uint64_t last_place_ = 0;
  Pacer pacer_;
  bool offline_ = false;
  NetworkCost cost_;
  Owner owner_;
  bool commands_allowed_ = false;
  std::map<std::string, std::size_t> jobs_of_;  // by the owner's name
  std::optional<Clock::TimePoint> inactivity_due_;
  std::optional<Clock::TimePoint> journal_retry_;
  std::optional<Error> closed_;
};

}  // namespace bgxfer::inline v0::detail

#endif
