#ifndef BGXFER_SRC_ENGINE_JOB_CORE_HPP
#define BGXFER_SRC_ENGINE_JOB_CORE_HPP

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <bgxfer/file_connection.hpp>
#include <bgxfer/notify.hpp>

#include "../base/hash_set.hpp"
#include "../model/job_record.hpp"
#include "latch.hpp"
#include "pacer.hpp"
#include "plan.hpp"
#include "speed.hpp"
#include "wrong_pieces.hpp"

namespace bgxfer::inline v0::detail {

class Model;
class JobTask;
struct JobCore;

/// A notification handler that knows jobs from inside.
using CoreHandler = std::function<NotifyResult(const std::shared_ptr<JobCore>& job, const Event& event)>;

/// What the handles of one job hold: its record, what is known of it only while it is in memory, and the latch of
/// those who wait for it. Everything but `model` and `changed` is guarded by the model's lock.
struct JobCore {
  JobCore(std::shared_ptr<Model> home, JobRecord data) : model(std::move(home)), record(std::move(data)) {}

  const std::shared_ptr<Model> model;
  JobRecord record;
  Latch changed;  ///< Notified at every change of state and with every file.

  // Scheduling.
  std::uint64_t place = 0;  ///< Place in the line of its equals.
  Clock::TimePoint slice_began{};
  std::weak_ptr<JobTask> task;                      ///< While coroutines of the job are alive; they own it.
  Clock::Duration active_time{0};                   ///< Spent running since the last resume, up to `running_since`.
  std::optional<Clock::TimePoint> running_since{};  ///< Since when it has been connecting or transferring.
  Clock::TimePoint touched{};                       ///< When it was last changed or got bytes.
  std::uint64_t edits = 0;                          ///< Counts changes of the options.
  std::size_t active_index = not_active;            ///< Its place in the model's table of active jobs.
  static constexpr std::size_t not_active = static_cast<std::size_t>(-1);

  // Retry.
  WaitReason reason = WaitReason::none;  ///< In `transient_error`: what it waits for.
  std::optional<Clock::TimePoint> next_attempt{};
  std::optional<Clock::TimePoint> failing_since{};  ///< The first failure since the last byte of progress.
  std::uint32_t attempts = 0;                       ///< Failures since the last byte of progress.
  /// Restarts of files that have not been finished since, by their index.
  std::map<std::uint32_t, std::uint32_t> restarts{};

  // Completion.
  std::optional<Error> commit_error{};  ///< Why the last `complete` did not succeed.
  bool removed = false;                 ///< Out of the queue: final, and its files are dealt with.

  // Transfer.
  Speed speed;
  Pacer pacer;
  std::uint64_t bytes_received = 0;                 ///< Payload that came in since the job is in memory.
  std::optional<Clock::TimePoint> progress_told{};  ///< When the last progress event was sent.
  /// What is at work where a file has several connections, by its index.
  std::map<std::uint32_t, std::vector<FileConnection>> connections{};

  // Files, by their index. Only in memory.
  std::map<std::uint32_t, Wishes> wishes{};  ///< What the host asked for first.
  std::uint64_t wishes_edition = 0;          ///< Counts changes of them.
  std::set<std::uint32_t> sequential{};      ///< Their servers do not send parts.
  std::set<std::uint32_t> distrusted{};      ///< What came was found to be wrong: caches are to be asked no more.
  /// Of files with hashes of pieces. Each is used by the file's task alone, without the lock; where they are forgotten,
  /// one that does not know it yet goes on with its own, which nobody reads.
  std::map<std::uint32_t, std::shared_ptr<WrongPieces>> wrong_pieces{};
  std::map<std::uint32_t, std::vector<Header>> response_headers{};
  std::deque<std::uint32_t> answered{};  ///< Files with response headers, the ones answered last at the back.

  // Notifications; see `Notifier`.
  CoreHandler handler{};                             ///< The live one.
  bool telling = false;                              ///< In the line, or with its handler.
  bool modified = false;                             ///< Something has changed since the handler was told.
  std::map<std::uint32_t, RangeSet> fresh_ranges{};  ///< What arrived since then, by file, where it is wanted.
  std::uint64_t owed_edition = 0;                    ///< Counts the events that the job owed.
  std::optional<Clock::TimePoint> tell_again{};      ///< Owed things not before then: a handler asked for another try.
  std::optional<Clock::TimePoint> passing_again{};   ///< Changes not before then.
  std::optional<Clock::TimePoint> look_after_at{};

  // Adding.
  /// Hashes of the targets, from the second `add` on: two files of a job must not have the same one.
  std::unique_ptr<HashSet> targets;
};

/// Whether all that the host asked for of a file is on disk.
[[nodiscard]] bool is_served(const JobCore& job, FileIndex file);

}  // namespace bgxfer::inline v0::detail

#endif
