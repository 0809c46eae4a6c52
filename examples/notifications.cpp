// Installs what has arrived, even if the program was not there when it did: a handler with a name, which jobs keep
// across restarts, and which is called again when it could not do its work. Run: notifications
// http://example.org/file.pak file.pak file.journal
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

// [handler]
bgxfer::NotifyResult install(const bgxfer::Job& told, const bgxfer::Event& event) {
  bgxfer::Job job = told;
  if (const auto* failed = std::get_if<bgxfer::JobFailed>(&event)) {
    fmt::print(stderr, "{}: {}\n", job.options().display_name, failed->error);
    return bgxfer::NotifyResult::handled;
  }
  fmt::print("installs {}\n", job.options().display_name);
  job.complete();
  return bgxfer::NotifyResult::retry;  // Called again if a file cannot take its name; never for a completed job.
}
// [handler]

asio::awaitable<void> fetch(bgxfer::TransferQueue& queue, std::string url, std::filesystem::path target) {
  bgxfer::Result<bgxfer::RestoreReport> report = co_await queue.restored();
  if (!report) fmt::print(stderr, "{}\n", report.error());
  if (!report || !queue.jobs().empty()) co_return;
  // [job]
  bgxfer::JobOptions options;
  options.display_name = target.filename().string();
  options.files = {{.url = url, .target = target}};
  options.notify.handler = "installer";
  queue.add(std::move(options)).value().resume();
  // [job]
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.journal = std::filesystem::absolute(argv[3]);
  // [register]
  options.notify_handlers["installer"] = install;
  // [register]
  bgxfer::TransferQueue queue(io.get_executor(), options);
  asio::co_spawn(io, fetch(queue, argv[1], std::filesystem::absolute(argv[2])), asio::detached);
  io.run();
}
