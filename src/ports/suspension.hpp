#ifndef BGXFER_PORTS_SUSPENSION_HPP
#define BGXFER_PORTS_SUSPENSION_HPP

#include <cassert>
#include <memory>
#include <mutex>
#include <utility>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/execution_context.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/use_awaitable.hpp>

#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0::detail {

/// One coroutine that waits until somebody, on any thread, tells it to go on.
///
/// While it waits, its executor has outstanding work, so `io_context::run` does not return. It goes on through its own
/// executor, never inside `resume`. When the execution context dies first, the coroutine dies with it and `resume`
/// does nothing; this is what makes it safe to wait for a thread that outlives the host's loop.
class Suspension {
 public:
  Suspension() = default;
  template <class Handler>
  explicit Suspension(Handler handler);
  Suspension(Suspension&& other) noexcept
      : home_(std::move(other.home_)), waiter_(std::exchange(other.waiter_, nullptr)) {}
  Suspension& operator=(Suspension&& other) noexcept {
    Suspension taken(std::move(other));
    std::swap(home_, taken.home_);
    std::swap(waiter_, taken.waiter_);
    return *this;
  }
  /// Ends the coroutine where it stands: its frames are destroyed, through its executor.
  ~Suspension() { leave(false); }

  explicit operator bool() const noexcept { return waiter_ != nullptr; }

  /// Lets the coroutine go on. At most once.
  void resume() { leave(true); }

  /// Ends every coroutine that waits in `context`, as if it died; others may wait there later.
  static void end_all(asio::execution_context& context);

 private:
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void post() = 0;
    Waiter* before = nullptr;
    Waiter* after = nullptr;
  };
  template <class Handler>
  struct WaiterOf;

  // The waiters of one execution context. Outlives the context, so that late calls find out.
  struct Home {
    std::mutex mutex;
    bool closed = false;
    Waiter* first = nullptr;

    void link(Waiter& waiter) noexcept;
    void unlink(Waiter& waiter) noexcept;
  };

  class Service final : public asio::execution_context::service {
   public:
    using key_type = Service;
    static inline asio::execution_context::id id;

    explicit Service(asio::execution_context& context) : asio::execution_context::service(context) {}
    std::shared_ptr<Home> home = std::make_shared<Home>();

    void end_all();

   private:
    void shutdown() override { end_all(); }
  };

  void leave(bool go_on);

  std::shared_ptr<Home> home_;
  Waiter* waiter_ = nullptr;
};

/// Suspends the awaiting coroutine and hands it to `start` as a `Suspension`, with the cancellation slot of the wait.
/// `start` keeps the first until it is time to go on; it may resume it at once.
template <class Start>
asio::awaitable<void> suspend(Start start) {
  auto hand_over = [](auto handler, Start begin) {
    asio::cancellation_slot slot = asio::get_associated_cancellation_slot(handler);
    begin(Suspension(std::move(handler)), slot);
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(hand_over, asio::use_awaitable, std::move(start));
}

template <class Handler>
struct Suspension::WaiterOf final : Suspension::Waiter {
  explicit WaiterOf(Handler&& waiting)
      : work(asio::prefer(asio::any_io_executor(asio::get_associated_executor(waiting)),
                          asio::execution::outstanding_work.tracked)),
        handler(std::move(waiting)) {}

  void post() override { asio::post(std::move(handler)); }

  asio::any_io_executor work;
  Handler handler;
};

template <class Handler>
Suspension::Suspension(Handler handler) {
  asio::execution_context& context = asio::query(asio::get_associated_executor(handler), asio::execution::context);
  home_ = asio::use_service<Service>(context).home;
  auto waiter = std::make_unique<WaiterOf<Handler>>(std::move(handler));
  std::lock_guard lock(home_->mutex);
  if (home_->closed) return;
  waiter_ = waiter.release();
  home_->link(*waiter_);
}

inline void Suspension::leave(bool go_on) {
  if (!waiter_) return;
  // Under the lock to the end: the context may not die while its executor is in use.
  std::lock_guard lock(home_->mutex);
  Waiter* leaving = std::exchange(waiter_, nullptr);
  if (home_->closed) return;
  home_->unlink(*leaving);
  std::unique_ptr<Waiter> waiter(leaving);
  if (go_on) waiter->post();
}

inline void Suspension::Home::link(Waiter& waiter) noexcept {
  waiter.after = first;
  if (first) first->before = &waiter;
  first = &waiter;
}

inline void Suspension::Home::unlink(Waiter& waiter) noexcept {
  if (waiter.before) waiter.before->after = waiter.after;
  if (waiter.after) waiter.after->before = waiter.before;
  if (first == &waiter) first = waiter.after;
}

inline void Suspension::Service::end_all() {
  Waiter* next = nullptr;
  {
    std::lock_guard lock(home->mutex);
    home->closed = true;
    next = std::exchange(home->first, nullptr);
  }
  while (next) {
    std::unique_ptr<Waiter> waiter(next);
    next = waiter->after;
  }
}

inline void Suspension::end_all(asio::execution_context& context) {
  if (!asio::has_service<Service>(context)) return;
  Service& service = asio::use_service<Service>(context);
  service.end_all();
  service.home = std::make_shared<Home>();
}

}  // namespace bgxfer::inline v0::detail

#endif
