#include <bgxfer/background_thread.hpp>

#include <thread>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

namespace bgxfer::inline v0 {

struct BackgroundThread::Impl {
  Impl() : work(asio::make_work_guard(context)), thread([this] { context.run(); }) {}
  ~Impl() {
    context.stop();
    thread.join();
  }

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::thread thread;
};

BackgroundThread::BackgroundThread() : impl_(std::make_unique<Impl>()) {}
BackgroundThread::BackgroundThread(BackgroundThread&&) noexcept = default;
BackgroundThread& BackgroundThread::operator=(BackgroundThread&&) noexcept = default;
BackgroundThread::~BackgroundThread() = default;

asio::any_io_executor BackgroundThread::executor() const { return impl_->context.get_executor(); }

}  // namespace bgxfer::inline v0
