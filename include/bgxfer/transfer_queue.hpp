#ifndef BGXFER_TRANSFER_QUEUE_HPP
#define BGXFER_TRANSFER_QUEUE_HPP

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/event.hpp>
#include <bgxfer/job.hpp>
#include <bgxfer/metrics.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/restore_report.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/subscription.hpp>

namespace bgxfer::inline v0 {

namespace detail {
class Engine;
}

/// What the host knows of the network.
enum class Connectivity : std::uint8_t {
  offline,  ///< There is none: jobs wait in `transient_error`, without spending their retry budget.
  online,   ///< There is one, perhaps another: every waiting job tries again at once.
};

/// Owns jobs and moves their files, on an executor that the host provides.
///
/// Members may be called from any thread, except that nobody may use a queue that is being moved from or destroyed.
/// While nothing moves or waits for a time, the queue keeps neither a timer nor work on the executor, so
/// `io_context::run` returns.
class BGXFER_API TransferQueue {
 public:
  /// Starts restoring the journal at once; see `restored`. Throws `std::system_error` for options that no queue can
  /// be built from, such as an empty transport.
  TransferQueue(asio::any_io_executor executor, QueueOptions options);
  TransferQueue(TransferQueue&&) noexcept;
  TransferQueue& operator=(TransferQueue&&) noexcept;

  /// Abandons what is in flight and returns without waiting. The journal already knows every byte that
  /// arrived, but for the last `Limits::claim_bytes` of each file and a chunk of each connection. Await `closed` first
  /// for an orderly end.
  ~TransferQueue();

  /// All jobs that are not final, in the order in which they were added.
  [[nodiscard]] std::vector<Job> jobs() const;
  /// A job that is not final; empty if there is none of that id.
  [[nodiscard]] std::optional<Job> find(JobId id) const;

  /// What the queue has done since it was built, and how it is now. Cheap, however many jobs there are.
  [[nodiscard]] Metrics metrics() const;

  /// Validates everything first: a bad URL, an overlapping range or a full queue is an error here, with nothing
  /// changed. The job starts suspended. `Error::file` names the file to blame.
  [[nodiscard]] Result<Job> add(JobOptions options);

  /// The host's word about what the network costs. Jobs whose transfer policy does not allow it wait in
  /// `transient_error` with `WaitReason::cost` until it changes (spec part 9.5). Until the first call: unrestricted.
  void cost_changed(NetworkCost now);

  /// The host's word about the network. Connections kept for later are closed.
  void network_changed(Connectivity now);

  /// Stops everything, in the order of the ports' contracts: what has arrived is noted. From here on commands are
  /// refused.
  void close();

  /// Resolves when the journal has been read, and a new one made where there was none: jobs of earlier runs are in
  /// `jobs()`. An error (a journal that is locked, foreign or newer) closes the queue. A disk that does not take a new
  /// journal is none: it is tried again, and `saved` waits for that.
  asio::awaitable<Result<RestoreReport>> restored() const&;
  /// Resolves when every command so far survives a power cut.
  asio::awaitable<Result<void>> saved() const&;
  /// Resolves when no job is active or waiting to be.
  asio::awaitable<void> drained() const&;
  /// Resolves when a closed queue has ended all its work and written its journal.
  asio::awaitable<void> closed() const&;

  asio::awaitable<Result<RestoreReport>> restored() const&& = delete;
  asio::awaitable<Result<void>> saved() const&& = delete;
  asio::awaitable<void> drained() const&& = delete;
  asio::awaitable<void> closed() const&& = delete;

  /// Calls `callback` for every event of every job, through the queue's dispatcher: in order, never two at a
  /// time, with no lock held. A callback that throws has not handled the event: what is owed stays owed.
  Subscription on_event(std::function<void(const Event&)> callback);

 private:
  std::shared_ptr<detail::Engine> engine_;
};

}  // namespace bgxfer::inline v0

#endif
