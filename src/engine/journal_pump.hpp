#ifndef BGXFER_SRC_ENGINE_JOURNAL_PUMP_HPP
#define BGXFER_SRC_ENGINE_JOURNAL_PUMP_HPP

#include <atomic>
#include <functional>
#include <memory>

#include <asio/cancellation_signal.hpp>

#include <bgxfer/clock.hpp>
#include <bgxfer/result.hpp>

#include "../journal/journal.hpp"
#include "latch.hpp"
#include "model.hpp"

namespace bgxfer::inline v0::detail {

/// Moves changes from the journal's buffer to the disk, in one coroutine that exists only while there is something
/// to move. Many changes share one write, and many waiters one sync.
class JournalPump : public std::enable_shared_from_this<JournalPump> {
 public:
  /// `strand` is sequential. The log hears once when the disk fails and once when it works again.
  JournalPump(asio::any_io_executor strand, std::shared_ptr<Model> model, std::unique_ptr<Journal> journal);

  [[nodiscard]] Journal& journal() noexcept { return *journal_; }

  /// There is something to write, and if `sync`, to make durable. Any thread; only posts.
  void kick(bool sync);

  /// The journal must be rewritten before it can be written to. Any thread; only posts.
  void kick_rewrite();

  /// Resolves when a rewrite has been tried, whether the disk took it or not. On the strand. The pump outlives the
  /// wait.
  asio::awaitable<void> rewrite_tried();

  /// Resolves when every change so far is durable; `Errc::queue_closed` or the queue's error if it closes before.
  /// The pump outlives the wait.
  asio::awaitable<Result<void>> saved();

  /// Resolves when every change so far survives this process, however long the disk fails; errors as of `saved`.
  /// Waits for no sync. The pump outlives the wait.
  asio::awaitable<Result<void>> all_written();

  /// Resolves when the first `changes` survive this process, or cannot for now because the disk fails. Waits for no
  /// sync of its own. The pump outlives the wait.
  asio::awaitable<void> written(std::uint64_t changes);

  /// The queue closes: a disk that fails is not waited for any more, and whoever waits for it is told. Any thread.
  void hurry();

  /// As `saved`; nothing is written any more after it. After `hurry`.
  asio::awaitable<Result<void>> finish();

 private:
  using ChangesOf = std::uint64_t (Journal::*)() const;

  /// Resolves when `changes` counts every change so far.
  asio::awaitable<Result<void>> reached(ChangesOf changes, bool sync);
  void start();
  static asio::awaitable<void> run(std::shared_ptr<JournalPump> self);
  asio::awaitable<Result<void>> step();
  asio::awaitable<Result<void>> rewrite();
  void tell_retry(std::optional<Clock::TimePoint> at);

  void close();

  const asio::any_io_executor strand_;
  const std::shared_ptr<Model> model_;
  const std::unique_ptr<Journal> journal_;
  Latch progressed_;
  std::atomic<bool> posted_ = false;
  std::atomic<bool> sync_wanted_ = false;
  std::atomic<bool> rewrite_wanted_ = false;
  std::atomic<bool> closed_ = false;
  // On the strand.
  bool write_wanted_ = false;
  bool rewrite_tried_ = false;
  bool running_ = false;
  bool hurrying_ = false;
  bool sleeping_ = false;
  asio::cancellation_signal wake_;
};

}  // namespace bgxfer::inline v0::detail

#endif
