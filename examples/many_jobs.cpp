// Downloads many files as jobs of different priorities, several files of a job at once, under a speed limit.
// Urgent jobs interrupt others, which keep what they have; drained() resolves when there is nothing left to do.
// Run: many_jobs folder http://example.org/a http://example.org/b ... (the last one is the most urgent)
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

bgxfer::FileSpec file_of(const std::string& url, const std::filesystem::path& folder) {
  return {.url = url, .target = folder / url.substr(url.rfind('/') + 1)};
}

asio::awaitable<int> fetch(bgxfer::TransferQueue& queue, std::filesystem::path folder, std::vector<std::string> urls) {
  // [jobs]
  bgxfer::JobOptions many{.display_name = "many", .priority = bgxfer::Priority::low, .parallel_files = 4};
  for (std::size_t i = 0; i + 1 < urls.size(); ++i) many.files.push_back(file_of(urls[i], folder));
  bgxfer::JobOptions one{.display_name = "urgent", .priority = bgxfer::Priority::foreground};
  one.files.push_back(file_of(urls.back(), folder));

  for (bgxfer::JobOptions& options : std::array{many, one}) {
    bgxfer::Result<bgxfer::Job> job = queue.add(options);
    if (!job) {
      fmt::print(stderr, "{}\n", job.error());
      co_return 1;
    }
    job->resume();
  }
  co_await queue.drained();
  // [jobs]
  int status = 0;
  for (bgxfer::Job& job : queue.jobs()) {
    fmt::print("{}: {}, {}\n", job.options().display_name, job.state(), job.progress());
    job.complete();  // What has arrived as a whole gets its name, even of a job that failed.
    bgxfer::Result<void> completed = co_await job.completed();
    if (!completed || job.progress().files_transferred != job.progress().files_total) status = 1;
  }
  co_return status;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.bytes_per_second_max = 50'000'000;
  options.limits.background_beside_foreground = false;  // The default: a foreground job has the network for itself.
  bgxfer::TransferQueue queue(io.get_executor(), options);
  std::vector<std::string> urls(argv + 2, argv + argc);
  std::future<int> status =
      asio::co_spawn(io, fetch(queue, std::filesystem::absolute(argv[1]), urls), asio::use_future);
  io.run();
  return status.get();
}
