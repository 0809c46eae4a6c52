#ifndef BGXFER_HTTPLIB_HANDOFF_HPP
#define BGXFER_HTTPLIB_HANDOFF_HPP

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::httplib::detail {

/// Where a coroutine that asks and a thread that answers take turns.
///
/// Between a question and its answer whatever the two share belongs to the thread, at all other times to the
/// coroutine; so what they share needs no lock. Either may go away: the coroutine by cancellation, or with its
/// execution context, after which it never touches what they share again and the thread learns at its next step that
/// nobody is there.
class Handoff {
 public:
  Handoff() = default;
  Handoff(const Handoff&) = delete;
  Handoff& operator=(const Handoff&) = delete;

  /// The coroutine's step. Resolves with true once there is an answer, with false once it has been abandoned, which
  /// cancellation does too. One question at a time. The coroutine keeps the handoff alive.
  static asio::awaitable<bool> ask(std::shared_ptr<Handoff> handoff);
  /// Nobody will ask again. Any thread; harmless when repeated.
  void abandon() noexcept;

  /// The thread's step: blocks until there is a question without an answer. False: abandoned.
  [[nodiscard]] bool wait_for_question();
  /// Answers it.
  void answer();
  [[nodiscard]] bool abandoned() const;

 private:
  static asio::awaitable<void> wait_for_answer(const std::shared_ptr<Handoff>& handoff);
  void begin(std::weak_ptr<Handoff> self, bgxfer::detail::Suspension waiting, asio::cancellation_slot slot);
  void give_up(std::uint64_t question) noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t questions_ = 0;
  bool asked_ = false;
  bool abandoned_ = false;
  bgxfer::detail::Suspension waiting_;
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
