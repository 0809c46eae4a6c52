#ifndef BGX_HELD_TRANSPORT_HPP
#define BGX_HELD_TRANSPORT_HPP

#include <memory>
#include <string_view>
#include <utility>

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <bgxfer/transport.hpp>

namespace bgx {

/// A transport that judges URLs like the one it stands before, and sends nothing: requests wait until they are given
/// up. With it `bgx list` can open a queue whose jobs would otherwise begin to run.
class HeldTransport final : public bgxfer::Transport {
 public:
  explicit HeldTransport(std::shared_ptr<bgxfer::Transport> inner) : inner_(std::move(inner)) {}

  bgxfer::Result<void> check_url(std::string_view url) const override { return inner_->check_url(url); }

  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request /*request*/) override {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer never(executor, asio::steady_timer::time_point::max());
    std::error_code cancelled;
    auto token = asio::redirect_error(asio::use_awaitable, cancelled);
    co_await never.async_wait(token);
    co_return bgxfer::Error(bgxfer::Errc::cancelled, bgxfer::ErrorContext::transport);
  }

  void network_changed() noexcept override {}

 private:
  std::shared_ptr<bgxfer::Transport> inner_;
};

}  // namespace bgx

#endif
