#ifndef BGXFER_SRC_ENGINE_SPAWN_HPP
#define BGXFER_SRC_ENGINE_SPAWN_HPP

#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0::detail {

/// Starts a coroutine later, never inside this call: `asio::co_spawn` alone may run it at once, under the caller's lock.
template <class Handler>
void spawn(const asio::any_io_executor& executor, asio::awaitable<void> task, Handler handler) {
  asio::post(executor, [executor, task = std::move(task), handler = std::move(handler)]() mutable {
    asio::co_spawn(executor, std::move(task), std::move(handler));
  });
}

}  // namespace bgxfer::inline v0::detail

#endif
