// Waits while the network costs money: what NetworkManager says of it reaches the queue, and the job's policy decides.
// Needs bgxfer::networkmanager. Without a system bus the network counts as unrestricted.
// Run: metered http://example.org/file.pak file.pak
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/networkmanager/cost_source.hpp>

asio::awaitable<int> download(bgxfer::TransferQueue& queue, std::string url, std::filesystem::path path) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  // [cost]
  auto source = bgxfer::networkmanager::make_cost_source(
      executor, [&queue](bgxfer::NetworkCost cost) { queue.cost_changed(cost); });
  if (source) queue.cost_changed({bgxfer::CostState::capped_usage_unknown});  // Until NetworkManager has answered.
  bgxfer::JobOptions options;
  options.transfer_policy = bgxfer::TransferPolicy::unrestricted;
  // [cost]
  if (!source) fmt::print("no cost is known: {}\n", source.error());
  options.files = {{.url = url, .target = path}};
  bgxfer::Job job = queue.add(std::move(options)).value();
  job.resume().value();
  bgxfer::Result<void> outcome = co_await job.transferred();
  if (outcome) {
    job.complete();
    outcome = co_await job.completed();
  }
  if (!outcome) fmt::print(stderr, "{}\n", outcome.error());
  if (outcome) fmt::print("completed\n");
  co_return outcome ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  std::future<int> status =
      asio::co_spawn(io, download(queue, argv[1], std::filesystem::absolute(argv[2])), asio::use_future);
  io.run();
  return status.get();  // Throws what `value()` threw.
}
