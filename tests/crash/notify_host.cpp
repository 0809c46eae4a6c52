// A host whose notifications a test counts: notify_host FOLDER JOBS FILES
//
// Files are empty and come from nowhere. Its handler appends a line to FOLDER/told for each notification, and fails one
// time in ten. Ends when every job's end has been handled; until then it may be killed and started again at any time.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>

namespace {

class Nothing final : public bgxfer::Download {
 public:
  Nothing() { head_.granted = {0, 0}, head_.resource_size = 0, head_.validator = "\"nothing\""; }
  const bgxfer::ResponseHead& head() const noexcept override { return head_; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte>) override {
    const std::size_t end = 0;
    co_return end;
  }

 private:
  bgxfer::ResponseHead head_;
};

class Nowhere final : public bgxfer::Transport {
 public:
  bgxfer::Result<void> check_url(std::string_view) const override { return {}; }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request) override {
    std::unique_ptr<bgxfer::Download> nothing = std::make_unique<Nothing>();
    co_return nothing;
  }
  void network_changed() noexcept override {}
};

struct Host {
  std::filesystem::path folder;
  int jobs = 0;
  int files = 0;
  std::ofstream told;
  std::mt19937 dice{std::random_device()()};
  asio::io_context io;

  bgxfer::NotifyResult hear(const bgxfer::Job& job, const bgxfer::Event& event) {
    const auto* file = std::get_if<bgxfer::FileTransferred>(&event);
    const std::string what = file ? std::to_string(static_cast<std::uint32_t>(file->file)) : "end";
    const bool fails = dice() % 10 == 0;
    told << job.options().tag << ' ' << what << (fails ? " failed" : " handled")
         << std::endl;  // In the kernel's hands.
    return fails ? bgxfer::NotifyResult::retry : bgxfer::NotifyResult::handled;
  }
};

/// Adds the jobs that are not there yet.
asio::awaitable<void> work(Host& host, bgxfer::TransferQueue& queue) {
  bgxfer::Result<bgxfer::RestoreReport> restored = co_await queue.restored();
  if (!restored) std::abort();
  for (int number = static_cast<int>(queue.jobs().size()); number < host.jobs; ++number) {
    bgxfer::JobOptions options;
    options.tag = std::to_string(number);
    options.notify.events = bgxfer::Notify::transferred | bgxfer::Notify::error | bgxfer::Notify::file_transferred;
    options.notify.handler = "count";
    options.retry_delay_min = options.retry_delay_max = std::chrono::milliseconds{1};
    for (int i = 0; i < host.files; ++i) {
      const std::string name = std::to_string(number) + '_' + std::to_string(i);
      bgxfer::FileSpec file;
      file.url = "none:" + name;
      file.target = host.folder / name;
      options.files.push_back(std::move(file));
    }
    bgxfer::Job job = queue.add(std::move(options)).value();
    job.resume();
    // One after the other: a job that a kill takes back is the last one, and is added again.
    bgxfer::Result<void> saved = co_await queue.saved();
    if (!saved) std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  Host host;
  host.folder = argv[1];
  host.jobs = std::atoi(argv[2]);
  host.files = std::atoi(argv[3]);
  host.told.open(host.folder / "told", std::ios::app);
  bgxfer::QueueOptions options;
  options.transport = std::make_shared<Nowhere>();
  options.storage = bgxfer::disk::make_storage();
  options.journal = host.folder / "queue.journal";
  options.limits.background_jobs_max = 4;
  options.notify_handlers["count"] = [&host](const bgxfer::Job& job, const bgxfer::Event& event) {
    return host.hear(job, event);
  };
  bgxfer::TransferQueue queue(host.io.get_executor(), options);
  asio::co_spawn(host.io, work(host, queue), asio::detached);
  host.io.run();  // Returns when nothing is to be done: what is owed is waited for.
  return 0;
}
