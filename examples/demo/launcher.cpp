#include "launcher.hpp"

#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

#include "content.hpp"
#include "screen.hpp"

namespace demo {

namespace {

constexpr auto frame = std::chrono::milliseconds(50);

bgxfer::Job add(bgxfer::TransferQueue& queue, const LauncherOptions& options, const Package& package,
                bgxfer::Priority priority) {
  bgxfer::JobOptions job;
  job.display_name = package.name;
  job.priority = priority;
  job.parallel_files = 3;
  for (const Asset& asset : package.assets) {
    bgxfer::FileSpec file;
    file.url = options.server + asset.name;
    file.target = options.folder / asset.name;
    std::filesystem::create_directories(file.target.parent_path());
    file.size = asset.bytes;
    job.files.push_back(std::move(file));
  }
  return queue.add(std::move(job)).value();
}

Row row_of(const bgxfer::Job& job) { return {job.options().display_name, job.state(), job.waiting(), job.progress()}; }

void tell(int descriptor, std::uint64_t bytes) {
  const std::string line = fmt::format("{}\n", bytes);
  if (descriptor >= 0 && ::write(descriptor, line.data(), line.size()) < 0) return;  // Nobody listens: no harm.
}

}  // namespace

int run_launcher(const LauncherOptions& options) {
  Screen screen;
  bgxfer::BackgroundThread background;
  bgxfer::QueueOptions queue_options;
  queue_options.transport = bgxfer::http::make_transport();
  queue_options.storage = bgxfer::disk::make_storage();
  queue_options.journal = options.folder / "launcher.journal";
  queue_options.bytes_per_second_max = options.scale * (3 << 19);  // So that there is something to see.
  bgxfer::TransferQueue queue(background.executor(), std::move(queue_options));

  std::future<bgxfer::Result<bgxfer::RestoreReport>> opening =
      asio::co_spawn(background.executor(), queue.restored(), asio::use_future);
  const bgxfer::Result<bgxfer::RestoreReport> restored = opening.get();
  if (!restored) {
    screen.say(fmt::format("launcher: {}", restored.error()));
    return 1;
  }
  std::vector<bgxfer::Job> jobs = queue.jobs();
  const bool fresh = jobs.empty();
  if (!fresh) {
    screen.say(fmt::format("  The journal knows {} job with {}; {} to fetch again.", restored->jobs_restored,
                           megabytes(jobs.front().progress().bytes_transferred),
                           exactly(restored->bytes_to_fetch_again)));
    for (const bgxfer::BytesLost& lost : restored->lost) {
      const bgxfer::File file = jobs.front().files().at(static_cast<std::size_t>(lost.file));
      screen.say(fmt::format("    {}: {}: {}", file.target().filename().string(), exactly(lost.bytes), lost.why));
    }
  } else {
    jobs.push_back(add(queue, options, world_package(options.scale), bgxfer::Priority::low));
    jobs.back().resume();
  }
  bool hotfix_wanted = fresh;

  for (;;) {
    std::vector<Row> rows;
    bool busy = false;
    for (bgxfer::Job& job : jobs) {
      const bool transferred = job.state() == bgxfer::JobState::transferred;
      const bool nameless = transferred && job.error();  // A file could not take its name.
      if (transferred && !nameless) job.complete();
      rows.push_back(row_of(job));
      busy = busy || !is_final(rows.back().state);
      if (nameless || rows.back().state == bgxfer::JobState::error) {
        screen.say(fmt::format("launcher: {}: {}", rows.back().name, *job.error()));
        return 1;
      }
    }
    screen.draw(rows);
    tell(options.report, rows.front().progress.bytes_transferred);
    if (!busy) break;
    const bgxfer::Progress world = rows.front().progress;
    if (hotfix_wanted && world.bytes_transferred * 3 > world.bytes_total.value_or(0)) {
      hotfix_wanted = false;
      screen.act("Play!", "A hotfix cannot wait: a foreground job takes the network at once.");
      jobs.push_back(add(queue, options, hotfix_package(options.scale), bgxfer::Priority::foreground));
      jobs.back().resume();
    }
    std::this_thread::sleep_for(frame);
  }

  queue.close();
  asio::co_spawn(background.executor(), queue.closed(), asio::use_future).get();
  return 0;
}

}  // namespace demo
