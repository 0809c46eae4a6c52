// A queue of suspended jobs and a thread that would work for it: what does having nothing to do cost? Prints a line
// when everything is quiet, and waits for the end of its standard input. Who watches it counts (/proc/PID/task). Run:
// idle JOURNAL FOLDER JOBS
#include <unistd.h>

#include <string>
#include <thread>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/http/http_transport.hpp>

namespace {

asio::awaitable<void> fill(bgxfer::TransferQueue& queue, std::filesystem::path folder, std::size_t jobs) {
  (co_await queue.restored()).value();
  for (std::size_t i = 0; i < jobs; ++i) {
    bgxfer::JobOptions options;
    bgxfer::FileSpec& file = options.files.emplace_back();
    file.url = fmt::format("http://127.0.0.1:9/{}", i);
    file.target = folder / fmt::format("{}", i);
    queue.add(std::move(options)).value();
  }
  (co_await queue.saved()).value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "idle: needs a journal, a folder and a number of jobs\n");
    return 2;
  }
  asio::io_context io(1);
  const auto busy = asio::make_work_guard(io);
  std::thread worker([&io] { io.run(); });
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.journal = argv[1];
  {
    bgxfer::TransferQueue queue(io.get_executor(), options);
    asio::co_spawn(io, fill(queue, std::filesystem::absolute(argv[2]), std::stoul(argv[3])), asio::use_future).get();
    fmt::print("{}\n", queue.jobs().size());
    std::fflush(stdout);
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
  }
  io.stop();
  worker.join();
}
