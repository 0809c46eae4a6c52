#ifndef BGXFER_JOB_HPP
#define BGXFER_JOB_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/event.hpp>
#include <bgxfer/file.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/notify.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/subscription.hpp>

namespace bgxfer::inline v0 {

/// A name for one job in a `TransferQueue`: copy it, store it, pass it anywhere.
///
/// Commands are imperative and return at once: validated and applied, or refused with the reason and nothing changed.
/// Conditions are past participles and are awaited. Questions are nouns and answer from the model.
/// Every member may be called from any thread, and none of them waits for the network.
///
/// A handle outlives its queue: questions keep answering, commands are refused and conditions resolve
/// with `Errc::queue_closed`. A job in a final state refuses commands with `Errc::invalid_state` (spec part 1.4).
class BGXFER_API Job {
 public:
  // Questions.
  [[nodiscard]] JobId id() const;
  /// Everything but the files, which are `files()`.
  [[nodiscard]] JobOptions options() const;
  [[nodiscard]] JobState state() const;
  /// Why an active job does not move, and when it will try again.
  [[nodiscard]] Waiting waiting() const;
  [[nodiscard]] Progress progress() const;
  /// Payload bytes taken from the network for this job since its queue was built. More than `progress` has grown by
  /// where bytes had to be fetched again.
  [[nodiscard]] std::uint64_t bytes_received() const;
  [[nodiscard]] JobTimes times() const;
  /// The last failure, from the moment it happened until bytes move again.
  [[nodiscard]] std::optional<Error> error() const;
  /// Failures since the job was added; never reset.
  [[nodiscard]] std::uint32_t error_count() const;
  [[nodiscard]] std::vector<File> files() const;

  /// Who added the job, or took it over.
  [[nodiscard]] Owner owner() const;

  // Commands. The result may be ignored where a late command does no harm.

  /// Starts the job, or tries again at once: `Errc::empty_job` without files.
  CommandResult resume();
  /// Stops the job. Every byte that has arrived is kept.
  CommandResult suspend();
  /// Ends the job and deletes its temporary files. Cannot be undone.
  CommandResult cancel();
  /// Ends the job: finished files get their own names, replacing what had them; the rest is given up (spec part
  /// 4.6). The outcome is `completed()`. If a file cannot take its name, the job stays and may be completed again;
  /// `error()` says why, and no event tells of it.
  CommandResult complete();
  /// Adds files; all or none. Resume a transferred job to fetch them.
  CommandResult add(std::vector<FileSpec> files);
  CommandResult set_priority(Priority priority);
  /// `File::set_url` for every file whose URL begins with `from`, in capitals and all: `to` stands there instead.
  /// Mirrors keep theirs. Returns how many files there are; if one of the new URLs is none, nothing is changed.
  Result<std::size_t> replace_url_prefix(const std::string& from, const std::string& to);
  /// Changes any of the job's options in one step: all of `edit` is applied, or none. `edit` runs before this
  /// returns, again if another thread was faster meanwhile. A transfer in flight goes on, and its next request follows
  /// the new options; but a job whose priority or peer-caching flags change while it runs goes back into the line (spec
  /// part 1.3, T34). Some options are fixed by the first file or the first resume: `Errc::read_only_after_add`,
  /// `read_only_after_resume`.
  CommandResult configure(const std::function<void(JobOptions&)>& edit);

  /// Who takes the job's notifications from here on (spec part 6; `NotifyOptions` says which). Not kept across
  /// restarts: set it again, or name one in `NotifyOptions::handler`. What is owed is told at once. Replaces the one
  /// before; empty: none. A call that is running goes on. The handler is dropped when the job leaves the queue.
  CommandResult set_notify_handler(NotifyHandler handler);
  /// Makes the queue's owner that of the job. What was the former one's is dropped: request headers, credentials,
  /// stored ones too, the client certificate, the helper identity and the notify command.
  CommandResult take_ownership();

  // Conditions. They resume on the awaiting coroutine's executor. Cancelling the wait leaves the job
  // alone, and the wait may outlive the handle.

  /// Resolves when every byte is on disk, or the job is completed, whatever was given up; or with what stopped the job:
  /// `Errc::cancelled`, or the error that it waits in. A suspended job is waited for.
  asio::awaitable<Result<void>> transferred() const&;
  /// Resolves when the job is final, with success for `completed`; or with why the last `complete` did not succeed.
  asio::awaitable<Result<void>> completed() const&;

  // A condition is awaited on a named handle: on a temporary, g++ 12 would destroy the temporary's parts twice.
  asio::awaitable<Result<void>> transferred() const&& = delete;
  asio::awaitable<Result<void>> completed() const&& = delete;

  /// Calls `callback` for every event of this job, through the queue's dispatcher: in order, never two at a time,
  /// with no lock held. What is owed from before (`JobTransferred`, `JobFailed`) comes first. Where the job has no
  /// handler and no command, a callback that returns from one of these has handled it; one that throws is told again
  /// after `retry_delay_min`.
  Subscription on_event(std::function<void(const Event&)> callback);

  friend bool operator==(const Job& a, const Job& b) noexcept { return a.core_ == b.core_; }

 private:
  friend class TransferQueue;
  /// `handler` for those who know jobs only from inside.
  static std::function<NotifyResult(const std::shared_ptr<detail::JobCore>&, const Event&)> from_inside(
      NotifyHandler handler);
  explicit Job(std::shared_ptr<detail::JobCore> core) : core_(std::move(core)) {}

  std::shared_ptr<detail::JobCore> core_;
};

}  // namespace bgxfer::inline v0

#endif
