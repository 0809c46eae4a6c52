#include "handoff.hpp"

#include <cassert>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

namespace bgxfer::inline v0::httplib::detail {

asio::awaitable<bool> Handoff::ask(std::shared_ptr<Handoff> handoff) {
  // Cancelled when the last answer was on its way already: nobody will say so again.
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    handoff->abandon();
    co_return false;
  }
  co_await wait_for_answer(handoff);
  co_return !handoff->abandoned();
}

asio::awaitable<void> Handoff::wait_for_answer(const std::shared_ptr<Handoff>& handoff) {
  auto start = [handoff](bgxfer::detail::Suspension waiting, asio::cancellation_slot slot) {
    handoff->begin(handoff, std::move(waiting), slot);
  };
  return bgxfer::detail::suspend(std::move(start));
}

void Handoff::begin(std::weak_ptr<Handoff> self, bgxfer::detail::Suspension waiting, asio::cancellation_slot slot) {
  std::unique_lock lock(mutex_);
  assert(!asked_ && !waiting_);
  const std::uint64_t question = ++questions_;
  if (abandoned_) {
    lock.unlock();
    waiting.resume();
    return;
  }
  if (slot.is_connected()) {
    // The slot may keep its handler for longer than this question lasts.
    slot.assign([self = std::move(self), question](asio::cancellation_type) {
      if (const std::shared_ptr<Handoff> handoff = self.lock()) handoff->give_up(question);
    });
  }
  waiting_ = std::move(waiting);
  asked_ = true;
  changed_.notify_one();
}

void Handoff::give_up(std::uint64_t question) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (question != questions_ || !asked_) return;  // Answered: the coroutine is on its way already.
  }
  abandon();
}

void Handoff::abandon() noexcept {
  bgxfer::detail::Suspension waiting;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    waiting = std::move(waiting_);
    changed_.notify_one();
  }
  waiting.resume();
}

bool Handoff::wait_for_question() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return asked_ || abandoned_; });
  return !abandoned_;
}

void Handoff::answer() {
  bgxfer::detail::Suspension waiting;
  {
    const std::lock_guard lock(mutex_);
    asked_ = false;
    waiting = std::move(waiting_);
  }
  waiting.resume();
}

bool Handoff::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

}  // namespace bgxfer::inline v0::httplib::detail
