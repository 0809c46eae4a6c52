#ifndef BGX_PLAIN_LINES_HPP
#define BGX_PLAIN_LINES_HPP

#include <chrono>
#include <string>
#include <unordered_map>

#include "reporter.hpp"

namespace bgx {

/// What happens, as lines on stderr for logs and pipes: beginnings, failures, ends, and now and then how far a job is.
class PlainLines final : public Reporter {
 public:
  void restored(const bgxfer::RestoreReport& report) override;
  void follow(const bgxfer::Job& job) override;
  void happened(const bgxfer::Event& event) override;
  void finished(const std::vector<bgxfer::Job>& jobs) override;

 private:
  struct Followed {
    bgxfer::Job job;
    std::string title;
    std::chrono::steady_clock::time_point told;
  };
  void progress(Followed& followed, const bgxfer::Progress& progress);

  std::unordered_map<bgxfer::JobId, Followed> jobs_;
};

/// "done: a.iso, 12.0 MiB", or what became of the job instead.
[[nodiscard]] std::string outcome_text(const bgxfer::Job& job);
/// "12.0 MiB of 24.0 MiB (50 %), 3.1 MiB/s, 4 s left".
[[nodiscard]] std::string progress_text(const bgxfer::Progress& progress);

}  // namespace bgx

#endif
