// A host without CMake that uses an installed bgxfer: the quickstart.
// pkg-config knows the flags.
// Run: sh build.sh && ./app URL FILE
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
