#ifndef BGXFER_BACKGROUND_THREAD_HPP
#define BGXFER_BACKGROUND_THREAD_HPP

#include <memory>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0 {

/// A thread running an `io_context`, for hosts that have none. Declare it before the queue that uses it.
class BGXFER_API BackgroundThread {
 public:
  BackgroundThread();
  BackgroundThread(BackgroundThread&&) noexcept;
  BackgroundThread& operator=(BackgroundThread&&) noexcept;
  /// Stops the context and joins the thread. Not to be called on that thread.
  ~BackgroundThread();

  [[nodiscard]] asio::any_io_executor executor() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bgxfer::inline v0

#endif
