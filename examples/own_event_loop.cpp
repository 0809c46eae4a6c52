// Downloads one file from within a loop written by hand, as a game or a device has one.
// Nothing runs but in io.poll(), which never waits: no thread, and no surprise between two frames.
// Run: own_event_loop http://example.org/file.iso file.iso
#include <chrono>
#include <thread>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  job.resume();

  // [loop]
  const auto running = asio::make_work_guard(io);  // Else poll() would stop for good the first time nothing is to do.
  std::uint64_t frames = 0;
  while (!is_final(job.state()) && job.state() != bgxfer::JobState::error) {
    io.poll();  // Everything that is ready, and back.
    if (job.state() == bgxfer::JobState::transferred) {
      if (job.error()) break;  // A file could not take its name.
      job.complete();
    }
    ++frames;  // Here the game would draw.
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
  // [loop]
  fmt::print("{} after {} frames\n", job.state(), frames);
  if (const std::optional<bgxfer::Error> error = job.error()) fmt::print(stderr, "{}\n", *error);
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
