// Downloads one file, and goes on where it was when it is run again: after Ctrl-C, a crash, or a SIGKILL.
// The journal knows the jobs and the bytes that arrived; nothing has to be saved by the host.
// Run: resume_after_restart http://example.org/file.iso file.iso file.journal; kill it; run it again
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

asio::awaitable<int> fetch(bgxfer::TransferQueue& queue, std::string url, std::filesystem::path target) {
  // [restart]
  bgxfer::Result<bgxfer::RestoreReport> report = co_await queue.restored();
  if (!report) {
    fmt::print(stderr, "{}\n", report.error());
    co_return 1;
  }
  std::vector<bgxfer::Job> jobs = queue.jobs();
  if (jobs.empty()) {
    fmt::print("a new job\n");
    bgxfer::JobOptions options;
    options.files = {{.url = url, .target = target}};
    jobs.push_back(queue.add(std::move(options)).value());
  } else {
    fmt::print("the job of an earlier run, {}, {} bytes to fetch again\n", jobs.front().progress(),
               report->bytes_to_fetch_again);
  }
  bgxfer::Job job = jobs.front();
  job.resume();  // If it waits for somebody: to begin it, or to look at its error. Else nothing happens.
  // [restart]
  bgxfer::Subscription events = job.on_event([](const bgxfer::Event& event) {
    if (const auto* made = std::get_if<bgxfer::ProgressMade>(&event)) {
      fmt::print("{}\n", made->progress);
      std::fflush(stdout);
    }
  });
  bgxfer::Result<void> transferred = co_await job.transferred();
  if (!transferred) {
    fmt::print(stderr, "{}\n", transferred.error());
    co_return 1;
  }
  job.complete();
  bgxfer::Result<void> completed = co_await job.completed();
  // [close]
  queue.close();
  co_await queue.closed();
  // [close]
  if (!completed) fmt::print(stderr, "{}\n", completed.error());
  co_return completed ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.journal = std::filesystem::absolute(argv[3]);
  bgxfer::TransferQueue queue(io.get_executor(), options);
  std::future<int> status =
      asio::co_spawn(io, fetch(queue, argv[1], std::filesystem::absolute(argv[2])), asio::use_future);
  io.run();
  return status.get();
}
