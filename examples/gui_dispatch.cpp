// Downloads one file in a program with a main loop of its own, where callbacks may touch what belongs to the main
// thread. The dispatcher says how to run a function there; transfers go on in the background, whatever the main loop
// does. Run: gui_dispatch http://example.org/file.iso file.iso
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <asio/co_spawn.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

/// What every GUI toolkit has somewhere: a queue of functions and a thread that runs them.
class MainLoop {
 public:
  void post(std::function<void()> call) {
    std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    something_.notify_one();
  }
  void run() {
    while (!quit_) {
      std::unique_lock lock(mutex_);
      something_.wait(lock, [this] { return !calls_.empty(); });
      std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
    }
  }
  void quit() { quit_ = true; }  // On the loop's thread.

 private:
  std::mutex mutex_;
  std::condition_variable something_;
  std::deque<std::function<void()>> calls_;
  bool quit_ = false;
};

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  MainLoop loop;
  bgxfer::BackgroundThread background;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  // [dispatch]
  // Qt:  QMetaObject::invokeMethod(window, std::move(call), Qt::QueuedConnection);
  // GTK: g_idle_add with a std::function on the heap, which the idle function runs and deletes.
  options.dispatch = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  // [dispatch]
  bgxfer::TransferQueue queue(background.executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();

  const std::thread::id main_thread = std::this_thread::get_id();
  bool always_here = true;
  bgxfer::Subscription events = job.on_event([&](const bgxfer::Event& event) {
    always_here = always_here && std::this_thread::get_id() == main_thread;
    if (const auto* made = std::get_if<bgxfer::ProgressMade>(&event)) fmt::print("{}\n", made->progress);
    if (const auto* failed = std::get_if<bgxfer::JobFailed>(&event)) {
      fmt::print(stderr, "{}\n", failed->error);
      loop.quit();
    }
    if (!std::holds_alternative<bgxfer::JobTransferred>(event)) return;
    job.complete();
    asio::co_spawn(background.executor(), job.completed(), [&](std::exception_ptr, bgxfer::Result<void> completed) {
      loop.post([&loop, completed] {
        if (!completed) fmt::print(stderr, "{}\n", completed.error());
        loop.quit();
      });
    });
  });
  job.resume();
  loop.run();
  if (always_here) fmt::print("every callback ran on the main thread\n");
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
