#include "companion.hpp"

#include <exception>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "../ports/strand.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

asio::awaitable<void> run_companion(asio::awaitable<void> work) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(asio::use_awaitable);  // Whoever starts a companion may hold a lock that it takes.
  // Stopped before it began: no sleep of `work` would ever hear of it.
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  co_await std::move(work);
}

}  // namespace

/// The completion handler of the coroutine. Asio keeps it beside the frame and destroys it with the frame, in
/// whatever way that comes: so its end is the end of everything that may refer to the executor.
class Companion::Tenant {
 public:
  explicit Tenant(std::shared_ptr<Life> life) noexcept : life_(std::move(life)) {}
  Tenant(Tenant&&) noexcept = default;
  ~Tenant() {
    if (!life_) return;
    // A strand must not outlive its io_context: let it go here, not with `Life`.
    std::optional<asio::any_io_executor> strand;
    std::optional<asio::any_io_executor> beside;
    const std::lock_guard lock(life_->mutex);
    strand.swap(life_->strand);
    beside.swap(life_->beside);
  }

  void operator()(const std::exception_ptr&) const noexcept {}

 private:
  std::shared_ptr<Life> life_;
};

Companion::Companion(const asio::any_io_executor& executor, asio::awaitable<void> work)
    : life_(std::make_shared<Life>()) {
  const asio::any_io_executor strand = bgxfer::detail::Strand(executor);
  life_->strand = strand;
  life_->beside = executor;
  asio::co_spawn(strand, run_companion(std::move(work)),
                 asio::bind_cancellation_slot(life_->cancel.slot(), Tenant(life_)));
}

Companion& Companion::operator=(Companion&& other) noexcept {
  if (this != &other) {
    stop();
    life_ = std::move(other.life_);
  }
  return *this;
}

void Companion::stop() noexcept {
  if (!life_) return;
  std::shared_ptr<Life> life = std::exchange(life_, nullptr);
  const std::lock_guard lock(life->mutex);
  if (!life->strand) return;
  asio::post(*life->strand, [life] { life->cancel.emit(asio::cancellation_type::terminal); });
}

bool Companion::running() const noexcept {
  if (!life_) return false;
  const std::lock_guard lock(life_->mutex);
  return life_->strand.has_value();
}

bool Companion::runs_beside(const asio::any_io_executor& executor) const noexcept {
  if (!life_) return false;
  const std::lock_guard lock(life_->mutex);
  return life_->beside && *life_->beside == executor;
}

}  // namespace bgxfer::inline v0::http::detail
