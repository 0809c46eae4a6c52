// Plays a file while it arrives: a blocking reader that knows nothing of transfers, only of bytes at offsets. It looks
// at the end first, as players of many formats do, then reads from the start to the end. Run: read_while_it_arrives
// http://example.org/film.mkv film.mkv
#include <algorithm>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

asio::awaitable<bgxfer::Result<void>> wait_until_served(bgxfer::File file) { co_return co_await file.served(); }
asio::awaitable<bgxfer::Result<void>> finish(bgxfer::Job job) {
  const bgxfer::Result<void> transferred = co_await job.transferred();
  if (!transferred) co_return transferred;
  job.complete();
  co_return co_await job.completed();
}

/// Blocks the thread that reads, which must not be the queue's.
// [reader]
class Reader {
 public:
  Reader(bgxfer::BackgroundThread& queue_thread, bgxfer::File file) : thread_(queue_thread), file_(std::move(file)) {}

  std::uint64_t size() {
    fetch({0, 1});  // Any byte: with the first answer the size is known.
    return file_.progress().bytes_total.value();
  }

  /// Fills `into` with the bytes at `offset`; fewer at the end of the file.
  std::size_t read(std::uint64_t offset, std::vector<char>& into) {
    const std::uint64_t end = std::min<std::uint64_t>(size(), offset + into.size());
    const auto range = bgxfer::ByteRange::between(offset, end);
    if (range.empty()) return 0;
    fetch(range);
    std::ifstream in(file_.temporary(), std::ios::binary);  // The same file all the time, until the job is completed.
    in.seekg(static_cast<std::streamoff>(offset));
    in.read(into.data(), static_cast<std::streamsize>(range.length));
    return static_cast<std::size_t>(in.gcount());
  }

 private:
  /// Asks for the bytes before all others, and waits for them.
  void fetch(bgxfer::ByteRange range) {
    const bgxfer::CommandResult asked = file_.request_ranges({range});
    if (!asked) throw std::runtime_error(asked.error().message());
    const bgxfer::Result<void> served =
        asio::co_spawn(thread_.executor(), wait_until_served(file_), asio::use_future).get();
    if (!served) throw std::runtime_error(served.error().message());
  }

  bgxfer::BackgroundThread& thread_;
  bgxfer::File file_;
};
// [reader]

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  bgxfer::BackgroundThread thread;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(thread.executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  job.resume();

  bgxfer::File file = job.files().front();
  Reader reader(thread, file);
  std::vector<char> frame(64 * 1024);
  const std::uint64_t size = reader.size();
  const std::uint64_t index_at = size - std::min<std::uint64_t>(size, frame.size());
  fmt::print("index: {} bytes at {}, {}\n", reader.read(index_at, frame), index_at, job.progress());
  std::uint64_t played = 0;
  std::uint64_t early = 0;  // Played before the whole file was here.
  while (const std::size_t count = reader.read(played, frame)) {
    played += count;
    if (!file.progress().transferred) early += count;
  }
  fmt::print("played {} bytes{}\n", played, early > 0 ? ", the first of them while the rest arrived" : "");

  asio::co_spawn(thread.executor(), finish(job), asio::use_future).get().value();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
