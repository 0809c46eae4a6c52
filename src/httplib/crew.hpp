#ifndef BGXFER_HTTPLIB_CREW_HPP
#define BGXFER_HTTPLIB_CREW_HPP

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::httplib::detail {

/// A bounded number of threads for work that blocks. One starts when there is work and none is free, up to the limit;
/// beyond it work waits in line. All members from any thread but the crew's own.
class Crew {
 public:
  explicit Crew(std::size_t threads_max) : threads_max_(threads_max) {}
  /// Drops the work that has not begun and waits for the threads.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// `work` does not throw. The error is the system's, when there is not one thread to be had.
  [[nodiscard]] Result<void> run(std::function<void()> work);

 private:
  void start_thread();
  void labour();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> line_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
