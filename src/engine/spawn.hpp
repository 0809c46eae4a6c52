#ifndef BGXFER_SRC_ENGINE_SPAWN_HPP
#define BGXFER_SRC_ENGINE_SPAWN_HPP

#include <exception>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <bgxfer/detail/asio.hpp>

namespace bgxfer::inline v0::detail {

/// Starts a coroutine later, never inside this call: `asio::co_spawn` alone may run it at once, under the caller's
/// lock.
template <class Handler>
void spawn(const asio::any_io_executor& executor, asio::awaitable<void> task, Handler handler) {
  asio::post(executor, [executor, task = std::move(task), handler = std::move(handler)]() mutable {
    asio::co_spawn(executor, std::move(task), std::move(handler));
  });
}

/// For coroutines that deal with every failure there is: what they throw nevertheless, such as `std::bad_alloc`, leaves
/// the executor's run function. Swallowed, it would leave a queue that stands still and tells nobody.
inline void must_not_throw(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(std::move(thrown));
}

/// Starts what a flag says is started. Without the memory for it, the flag says so no more, and the next one tries
/// again.
template <class Flag, class Start>
void start_once(Flag& flag, const Start& start) {
  flag = true;
  try {
    start();
  } catch (...) {
    flag = false;
    throw;
  }
}

}  // namespace bgxfer::inline v0::detail

#endif
