// Downloads one file.
// The whole of bgxfer in one screen: a queue on your own io_context, a job, a wait, and the file gets its name.
// Run: quickstart http://example.org/file.iso file.iso
// [quickstart]
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

asio::awaitable<void> fetch(bgxfer::Job job) {
  job.resume();
  bgxfer::Result<void> outcome = co_await job.transferred();
  if (outcome) {
    job.complete();
    outcome = co_await job.completed();
  }
  if (!outcome) fmt::print(stderr, "{}\n", outcome.error());
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  bgxfer::TransferQueue queue(io.get_executor(),
                              {.transport = bgxfer::http::make_transport(), .storage = bgxfer::disk::make_storage()});
  const bgxfer::FileSpec file{.url = argv[1], .target = std::filesystem::absolute(argv[2])};
  bgxfer::Job job = queue.add({.files = {file}}).value();
  asio::co_spawn(io, fetch(job), asio::detached);
  io.run();  // Returns when nothing is left to do.
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
// [quickstart]
