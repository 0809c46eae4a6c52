// A condition is awaited on a named handle: on a temporary, g++ 12 would destroy the temporary's parts twice.
#include <string>

#include <bgxfer/transfer_queue.hpp>

asio::awaitable<bool> fetch(bgxfer::TransferQueue& queue, std::string url) {
#ifdef MISUSE
  bgxfer::Result<void> outcome =
      co_await queue.add({.files = {{.url = url, .target = "/data/a"}}}).value().transferred();
#else
  bgxfer::Job job = queue.add({.files = {{.url = url, .target = "/data/a"}}}).value();
  bgxfer::Result<void> outcome = co_await job.transferred();
#endif
  co_return outcome.has_value();
}
