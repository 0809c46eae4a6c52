// Waits while the network costs money: what NetworkManager says of it reaches the queue, and the job's policy decides.
// Needs bgxfer::networkmanager. Without a system bus the network counts as unrestricted.
// Run: metered http://example.org/file.pak file.pak
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/networkmanager/cost_source.hpp>

asio::awaitable<void> download(bgxfer::TransferQueue& queue, std::string url, std::filesystem::path path) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  // [cost]
  auto source = bgxfer::networkmanager::make_cost_source(
      executor, [&queue](bgxfer::NetworkCost cost) { queue.cost_changed(cost); });
  bgxfer::JobOptions options;
  options.transfer_policy = bgxfer::TransferPolicy::unrestricted;
  // [cost]
  if (!source) fmt::print("no cost is known: {}\n", source.error());
  options.files = {{.url = url, .target = path}};
  bgxfer::Job job = queue.add(std::move(options)).value();
  job.resume().value();
  bgxfer::Result<void> transferred = co_await job.transferred();
  if (!transferred) co_return;
  job.complete().value();
  bgxfer::Result<void> completed = co_await job.completed();
  if (completed) fmt::print("completed\n");
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  asio::co_spawn(io, download(queue, argv[1], std::filesystem::absolute(argv[2])), asio::detached);
  io.run();
}
