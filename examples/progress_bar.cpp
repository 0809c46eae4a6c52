// Draws a progress bar for one file by looking at the job twenty times a second.
// Questions such as job.progress() answer from memory, on any thread: a game or a GUI asks them whenever it paints.
// Run: progress_bar http://example.org/file.iso file.iso
#include <chrono>
#include <thread>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  bgxfer::BackgroundThread background;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(background.executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  job.resume();

  // [progress]
  constexpr std::uint64_t width = 40;
  while (!is_final(job.state()) && job.state() != bgxfer::JobState::error) {
    if (job.state() == bgxfer::JobState::transferred) {
      if (job.error()) break;  // A file could not take its name.
      job.complete();
    }
    const bgxfer::Progress progress = job.progress();
    const std::uint64_t total = progress.bytes_total.value_or(0);
    const std::uint64_t filled = total ? progress.bytes_transferred * width / total : 0;
    fmt::print("\r[{:#<{}}{:.<{}}] {:<45}", "", filled, "", width - filled, fmt::format("{}", progress));
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  // [progress]
  fmt::print("\n{}\n", job.state());
  if (const std::optional<bgxfer::Error> error = job.error()) fmt::print(stderr, "{}\n", *error);
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
