#ifndef BGXFER_SRC_JOURNAL_LASTING_BYTES_HPP
#define BGXFER_SRC_JOURNAL_LASTING_BYTES_HPP

#include <cstdint>
#include <unordered_map>
#include <variant>

#include "../model/change.hpp"

namespace bgxfer::inline v0::detail {

/// How much of what came behind a journal's snapshot would be in the next one as well: a job and its files, until the
/// job leaves. Writing the journal anew saves nothing of it, so a queue that only grows is never written anew.
class LastingBytes {
 public:
  /// A record of so many bytes says this.
  void count(const Change& change, std::uint64_t bytes) {
    if (std::holds_alternative<JobCreated>(change) || std::holds_alternative<FilesAdded>(change)) {
      jobs_[job_of(change)] += bytes;
      sum_ += bytes;
    } else if (std::holds_alternative<JobRemoved>(change)) {
      const auto found = jobs_.find(job_of(change));
      if (found == jobs_.end()) return;
      sum_ -= found->second;
      jobs_.erase(found);
    }
  }

  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::unordered_map<JobId, std::uint64_t> jobs_;
  std::uint64_t sum_ = 0;
};

}  // namespace bgxfer::inline v0::detail

#endif
