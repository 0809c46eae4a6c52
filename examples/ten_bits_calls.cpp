// The ten calls that nearly every BITS program makes, in their usual order, for whoever ports one.
// docs/bits.md has the table beside it, and every other name of BITS.
// Run: ten_bits_calls http://example.org/file.pak file.pak
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/bits.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

asio::awaitable<int> download(bgxfer::TransferQueue& queue, std::string url, std::filesystem::path path) {
  // [ten_calls]
  bgxfer::JobOptions options = bgxfer::JobOptions::bits();
  options.display_name = "My download";
  bgxfer::Job job = queue.add(options).value();                          // manager->CreateJob
  job.add({{.url = url, .target = path}}).value();                       // job->AddFile
  job.set_priority(bgxfer::Priority::high);                              // job->SetPriority
  bgxfer::Subscription events = job.on_event([](const bgxfer::Event&) {  // job->SetNotifyInterface
    fmt::print("something happened\n");
  });
  job.resume().value();  // job->Resume

  bgxfer::Result<void> transferred = co_await job.transferred();
  const bgxfer::Progress progress = job.progress();  // job->GetProgress
  fmt::print("{} bytes, {} files\n", progress.bytes_transferred, progress.files_transferred);
  if (const std::optional<bgxfer::Error> error = job.error()) {  // job->GetError
    fmt::print("{}: {}\n", bgxfer::bits_name(bgxfer::bits_code(*error)), *error);
    job.cancel();  // job->Cancel
    co_return 1;
  }
  job.complete();  // job->Complete
  bgxfer::Result<void> completed = co_await job.completed();

  for (const bgxfer::Job& left : queue.jobs()) {  // manager->EnumJobs
    fmt::print("{} is {}\n", left.options().display_name, left.state());
  }
  // [ten_calls]
  if (!completed) fmt::print("{}\n", completed.error());
  if (transferred && completed) fmt::print("all is well\n");
  co_return transferred&& completed ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  // [manager]
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.limits = bgxfer::Limits::bits();
  bgxfer::TransferQueue queue(io.get_executor(), options);  // CoCreateInstance(BackgroundCopyManager)
  // [manager]
  int status = 1;
  asio::co_spawn(io, download(queue, argv[1], std::filesystem::absolute(argv[2])),
                 [&](std::exception_ptr thrown, int code) {
                   if (thrown) std::rethrow_exception(thrown);  // What `value()` threw leaves `io.run()`.
                   status = code;
                   io.stop();  // A job that is left keeps a timer: these limits cancel it after 90 days.
                 });
  io.run();
  return status;
}
