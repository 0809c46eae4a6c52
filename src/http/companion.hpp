#ifndef BGXFER_HTTP_COMPANION_HPP
#define BGXFER_HTTP_COMPANION_HPP

#include <memory>
#include <mutex>
#include <optional>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>

namespace bgxfer::inline v0::http::detail {

/// A coroutine of our own that runs beside a caller's, on a strand of its own, until it ends or is stopped.
///
/// The destructor stops it without waiting: it is cancelled on its strand, so its pending sleep ends at once and keeps
/// no executor alive. Stopping works from any thread, also after the `io_context` is gone, for a frame that no longer
/// exists is never touched.
class Companion {
 public:
  Companion() noexcept = default;
  /// Starts `work` on a new strand of `executor`, never before this returns. `work` looks after each await whether it
  /// is still wanted.
  Companion(const asio::any_io_executor& executor, asio::awaitable<void> work);
  Companion(Companion&&) noexcept = default;
  Companion& operator=(Companion&& other) noexcept;
  ~Companion() { stop(); }

  void stop() noexcept;
  /// False once the coroutine has ended, or its executor is gone.
  [[nodiscard]] bool running() const noexcept;
  /// Whether it runs, and was started with `executor`.
  [[nodiscard]] bool runs_beside(const asio::any_io_executor& executor) const noexcept;

 private:
  /// Shared with the coroutine; says whether its frame still exists.
  struct Life {
    std::mutex mutex;
    // Both empty once the coroutine has ended.
    std::optional<asio::any_io_executor> strand;
    std::optional<asio::any_io_executor> beside;
    asio::cancellation_signal cancel;
  };
  class Tenant;

  std::shared_ptr<Life> life_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
