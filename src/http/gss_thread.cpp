#include "gss_thread.hpp"

#include <csignal>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::http::detail {

/// A wait that ends with the call or with its cancellation, whichever comes first.
struct GssThread::Wait {
  std::mutex mutex;
  bgxfer::detail::Suspension waiting;
  std::optional<GssStep> outcome;

  void end() {
    bgxfer::detail::Suspension ended;
    {
      const std::lock_guard lock(mutex);
      ended = std::move(waiting);
    }
    ended.resume();
  }
  std::optional<GssStep> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(outcome, std::nullopt);
  }
};

asio::awaitable<Result<void>> GssThread::consult(std::shared_ptr<GssThread> thread, Authenticator& proof) {
  std::optional<Authenticator::Question> question = proof.question();
  if (!question) co_return Result<void>{};
  const asio::cancellation_state before = co_await asio::this_coro::cancellation_state;
  if (before.cancelled() != asio::cancellation_type::none) co_return Error(Errc::cancelled, ErrorContext::transport);
  const auto wait = std::make_shared<Wait>();
  co_await wait_for(std::move(thread), *std::move(question), wait);
  std::optional<GssStep> step = wait->take();
  if (!step) co_return Error(Errc::cancelled, ErrorContext::transport);
  proof.answer(*std::move(step));
  co_return Result<void>{};
}

asio::awaitable<void> GssThread::wait_for(std::shared_ptr<GssThread> thread, Authenticator::Question question,
                                          std::shared_ptr<Wait> wait) {
  auto begin = [thread = std::move(thread), question = std::move(question), wait = std::move(wait)](
                   bgxfer::detail::Suspension waiting, asio::cancellation_slot slot) mutable {
    {
      const std::lock_guard lock(wait->mutex);
      wait->waiting = std::move(waiting);
    }
    if (slot.is_connected()) {
      // The slot may keep its handler for longer than the wait lasts.
      slot.assign([weak = std::weak_ptr<Wait>(wait)](asio::cancellation_type) {
        if (const std::shared_ptr<Wait> waited = weak.lock()) waited->end();
      });
    }
    thread->add([question = std::move(question), wait] {
      GssStep step = question.context->step(question.token);
      {
        const std::lock_guard lock(wait->mutex);
        wait->outcome = std::move(step);
      }
      wait->end();
    });
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void GssThread::add(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  if (!pool_) {
    // The host's signals are none of this thread's business: it inherits a mask that blocks them all.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pool_.emplace(1);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  asio::post(*pool_, std::move(call));
}

}  // namespace bgxfer::inline v0::http::detail
