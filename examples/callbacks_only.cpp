// Downloads one file with callbacks: no coroutine in sight.
// For hosts without an event loop: BackgroundThread brings a thread, and callbacks arrive there, one at a time.
// Run: callbacks_only http://example.org/file.iso file.iso
#include <future>

#include <asio/co_spawn.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  bgxfer::BackgroundThread background;  // Before the queue, so that it outlives it.
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(background.executor(), options);

  bgxfer::JobOptions wish;
  wish.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}};
  wish.no_progress_timeout = std::chrono::seconds(30);
  bgxfer::Result<bgxfer::Job> added = queue.add(wish);
  if (!added) {
    fmt::print(stderr, "{}\n", added.error());
    return 1;
  }
  bgxfer::Job job = *added;

  // [callbacks]
  std::promise<bool> ended;
  bgxfer::Subscription events = job.on_event([&](const bgxfer::Event& event) {
    if (const auto* attempt = std::get_if<bgxfer::AttemptFailed>(&event)) {
      fmt::print("{}, next attempt: {}\n", attempt->error, attempt->waiting.reason);
    } else if (std::holds_alternative<bgxfer::JobTransferred>(event)) {
      job.complete();
      asio::co_spawn(background.executor(), job.completed(), [&](std::exception_ptr, bgxfer::Result<void> completed) {
        if (completed) return;
        fmt::print(stderr, "{}\n", completed.error());  // A file could not take its name: that is no event.
        ended.set_value(false);
      });
    } else if (const auto* failed = std::get_if<bgxfer::JobFailed>(&event)) {
      fmt::print(stderr, "{}\n", failed->error);
      ended.set_value(false);
    } else if (const auto* changed = std::get_if<bgxfer::StateChanged>(&event)) {
      fmt::print("{} -> {}\n", changed->from, changed->to);
      if (changed->to == bgxfer::JobState::completed) ended.set_value(true);
    }
  });
  job.resume();
  // [callbacks]
  return ended.get_future().get() ? 0 : 1;
}
