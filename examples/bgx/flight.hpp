#ifndef BGX_FLIGHT_HPP
#define BGX_FLIGHT_HPP

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <bgxfer/file.hpp>
#include <bgxfer/job.hpp>

namespace bgx {

/// The files of a job that are under way. Files start in their order, so that a job of many files need not be looked
/// through again and again: everything before the first one that is missing is done.
class Flight {
 public:
  explicit Flight(bgxfer::Job job) : job_(std::move(job)), files_(job_.files()) {}

  [[nodiscard]] const bgxfer::Job& job() const noexcept { return job_; }

  struct Moving {
    bgxfer::File file;
    bgxfer::FileProgress progress;
  };
  /// Those that have begun and are not finished, in their order.
  [[nodiscard]] std::vector<Moving> moving() {
    while (done_ < files_.size() && files_[done_].progress().transferred) ++done_;
    std::vector<Moving> found;
    const std::size_t end = std::min(files_.size(), done_ + looked_at_max);
    for (std::size_t i = done_; i < end && found.size() < moving_max; ++i) {
      bgxfer::FileProgress progress = files_[i].progress();
      if (progress.transferred || progress.bytes_transferred == 0) continue;
      found.push_back(Moving{files_[i], progress});
    }
    return found;
  }

 private:
  static constexpr std::size_t looked_at_max = 256;
  static constexpr std::size_t moving_max = 64;

  bgxfer::Job job_;
  std::vector<bgxfer::File> files_;
  std::size_t done_ = 0;
};

}  // namespace bgx

#endif
