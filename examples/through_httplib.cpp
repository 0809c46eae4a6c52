// Downloads one file through cpp-httplib.
// The same queue with the second transport, for a program that has cpp-httplib anyway. Only one line differs.
// Run: through_httplib http://example.org/file.iso file.iso
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/httplib/httplib_transport.hpp>

asio::awaitable<void> fetch(bgxfer::Job job) {
  job.resume();
  bgxfer::Result<void> outcome = co_await job.transferred();
  if (outcome) {
    job.complete();
  } else {
    fmt::print(stderr, "{}\n", outcome.error());
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  // [transport]
  bgxfer::httplib::TransportOptions transport{.transfers_max = 4};
  bgxfer::TransferQueue queue(io.get_executor(), {.transport = bgxfer::httplib::make_transport(transport),
                                                  .storage = bgxfer::disk::make_storage()});
  // [transport]
  const bgxfer::FileSpec file{.url = argv[1], .target = std::filesystem::absolute(argv[2])};
  bgxfer::Job job = queue.add({.files = {file}}).value();
  asio::co_spawn(io, fetch(job), asio::detached);
  io.run();
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
