// Waits for a job for some time, and goes on without it: the job is not disturbed by whoever stops waiting.
// Conditions are ordinary awaitables, so Asio's operators combine them with timers or with each other.
// Run: wait_with_timeout http://example.org/file.iso file.iso milliseconds
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

using namespace asio::experimental::awaitable_operators;

asio::awaitable<int> fetch(bgxfer::Job job, std::chrono::milliseconds patience) {
  // [timeout]
  asio::steady_timer timer(co_await asio::this_coro::executor, patience);
  auto first = co_await (job.transferred() || timer.async_wait(asio::use_awaitable));
  if (first.index() == 1) fmt::print("not yet: {}, {}\n", job.state(), job.progress());
  // [timeout]
  bgxfer::Result<void> transferred = co_await job.transferred();  // The job went on all the while.
  if (!transferred) {
    fmt::print(stderr, "{}\n", transferred.error());
    co_return 1;
  }
  job.complete();
  bgxfer::Result<void> completed = co_await job.completed();
  co_return completed ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  job.resume();
  const std::chrono::milliseconds patience(std::stoul(argv[3]));
  std::future<int> status = asio::co_spawn(io, fetch(job, patience), asio::use_future);
  io.run();
  return status.get();
}
