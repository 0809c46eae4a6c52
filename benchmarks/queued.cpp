// A queue of very many files that nobody has started: what adding them costs, what each keeps in memory, and how long
// the next run takes to read them back. Prints a line of JSON.
// Run: queued add JOURNAL FOLDER FILES JOBS       FOLDER is where the targets would go; it exists
//      queued reopen JOURNAL FOLDER FILES JOBS
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

namespace {

using Clock = std::chrono::steady_clock;

/// A host hands over so many files at once.
constexpr std::size_t batch_files = 10'000;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Resident memory, after the allocator has given back what nobody uses.
std::size_t resident_bytes() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::vector<bgxfer::FileSpec> files_from(std::size_t begin, std::size_t end, const std::filesystem::path& folder) {
  std::vector<bgxfer::FileSpec> files;
  files.reserve(end - begin);
  for (std::size_t i = begin; i < end; ++i) {
    bgxfer::FileSpec& file = files.emplace_back();
    file.url = fmt::format("https://cdn.example.org/game/1.2/data/{:03}/{:07}.pak", i % 1000, i);
    file.target = folder / fmt::format("{:07}.pak", i);
    file.size = 10'000 + i % 1000;
  }
  return files;
}

struct World {
  bool adding = false;
  std::filesystem::path folder{};
  std::size_t files = 0;
  std::size_t jobs = 0;
};

asio::awaitable<void> work(bgxfer::TransferQueue& queue, World world, std::size_t before, Clock::time_point begin) {
  const auto restored = co_await queue.restored();
  if (!restored) throw std::runtime_error(restored.error().message());
  if (world.adding) begin = Clock::now();
  double making = 0;  // The host's own work is not the queue's.
  const std::size_t each = world.files / world.jobs;
  for (std::size_t j = 0; world.adding && j < world.jobs; ++j) {
    bgxfer::JobOptions options;
    options.display_name = "patch";
    bgxfer::Result<bgxfer::Job> job = queue.add(std::move(options));
    if (!job) throw std::runtime_error(job.error().message());
    for (std::size_t first = 0; first < each; first += batch_files) {
      const Clock::time_point made = Clock::now();
      std::vector<bgxfer::FileSpec> files =
          files_from(j * each + first, j * each + std::min(first + batch_files, each), world.folder);
      making += seconds_since(made);
      const bgxfer::CommandResult done = job->add(std::move(files));
      if (!done) throw std::runtime_error(done.error().message());
    }
  }
  if (world.adding) {
    const bgxfer::Result<void> saved = co_await queue.saved();
    if (!saved) throw std::runtime_error(saved.error().message());
  }
  const double time = seconds_since(begin) - making;
  std::size_t found = 0;
  for (const bgxfer::Job& job : queue.jobs()) found += job.progress().files_total;
  const std::size_t resident = resident_bytes();
  const struct mallinfo2 heap = ::mallinfo2();
  fmt::print(R"({{"seconds": {:.4f}, "files": {}, "resident_bytes": {}, "heap_bytes": {}, "bytes_per_file": {:.1f}}})"
             "\n",
             time, found, resident - before, heap.uordblks + heap.hblkhd,
             static_cast<double>(resident - before) / static_cast<double>(world.files));
  queue.close();
  co_await queue.closed();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "queued: the head of queued.cpp says how\n");
    return 2;
  }
  World world;
  world.adding = std::string(argv[1]) == "add";
  world.folder = std::filesystem::absolute(argv[3]);
  world.files = std::stoul(argv[4]);
  world.jobs = std::stoul(argv[5]);
  asio::io_context io(1);
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.journal = argv[2];
  const std::size_t before = resident_bytes();
  const Clock::time_point begin = Clock::now();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  asio::co_spawn(io, work(queue, world, before, begin), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  io.run();
}
