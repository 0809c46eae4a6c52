#ifndef BGXFER_SRC_ENGINE_METER_HPP
#define BGXFER_SRC_ENGINE_METER_HPP

#include <atomic>
#include <cstdint>

#include <bgxfer/error.hpp>

namespace bgxfer::inline v0::detail {

/// A number that any thread may change, and that orders nothing.
class Count {
 public:
  void add(std::uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
  void take(std::uint64_t less = 1) noexcept { value_.fetch_sub(less, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What a queue counts for `Metrics` as it goes.
struct Meter {
  Count bytes_received;
  Count requests, responses_2xx, responses_3xx, responses_4xx, responses_5xx, requests_failed;
  Count bodies_cut;
  Count jobs_added, attempts_failed, jobs_transferred, jobs_failed, jobs_completed, jobs_cancelled;
  Count files_finished, files_restarted;
  Count checkpoints;
  Count open_files;

  /// How a request was answered; null: with the resource.
  void answered(const Error* refused) noexcept {
    requests.add();
    if (!refused) return responses_2xx.add();
    const int status = refused->code().category() == http_category() ? refused->code().value() : 0;
    switch (status / 100) {
      case 3: return responses_3xx.add();
      case 4: return responses_4xx.add();
      case 5: return responses_5xx.add();
      default: return requests_failed.add();
    }
  }
};

}  // namespace bgxfer::inline v0::detail

#endif
