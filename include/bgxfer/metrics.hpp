#ifndef BGXFER_METRICS_HPP
#define BGXFER_METRICS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/state.hpp>

namespace bgxfer::inline v0 {

/// What a queue has done since it was built, and how it is now. Counters never fall; gauges go both ways. Each figure
/// is right by itself; between two of them a moment may have passed.
struct Metrics {
  // Counters: the network.
  std::uint64_t bytes_received = 0;  ///< Payload that the transport delivered, whether or not it was of use.
  std::uint64_t requests = 0;  ///< Wishes given to the transport. Redirects and reused connections are its own affair.
  std::uint64_t responses_2xx = 0;  ///< Requests that brought the resource or a part of it; of `file://` too.
  std::uint64_t responses_3xx =
      0;  ///< Refused, by class of the HTTP status; redirects that were followed do not count.
  std::uint64_t responses_4xx = 0;
  std::uint64_t responses_5xx = 0;
  std::uint64_t requests_failed = 0;  ///< Without a usable status: no connection, no answer, no sense in it.
  std::uint64_t bodies_cut = 0;       ///< Bodies that broke off or stalled; each costs a new request.

  // Counters: jobs and files.
  std::uint64_t jobs_added = 0;
  std::uint64_t attempts_failed = 0;  ///< Jobs going to `transient_error`: each is a retry to come.
  std::uint64_t jobs_transferred = 0;
  std::uint64_t jobs_failed = 0;  ///< Jobs going to `error`.
  std::uint64_t jobs_completed = 0;
  std::uint64_t jobs_cancelled = 0;
  std::uint64_t files_finished = 0;
  std::uint64_t files_restarted = 0;  ///< Files whose bytes were dropped, to begin anew.

  // Counters: the disk.
  std::uint64_t checkpoints = 0;    ///< Rounds of syncing what has arrived.
  std::uint64_t journal_bytes = 0;  ///< Appended and rewritten.
  std::uint64_t journal_writes = 0;
  std::uint64_t journal_syncs = 0;
  std::uint64_t journal_rewrites = 0;

  // Gauges.
  std::uint64_t journal_size = 0;       ///< Bytes.
  std::uint64_t open_files = 0;         ///< Temporary files that are open for writing.
  std::uint64_t buffers_lent = 0;       ///< Chunk buffers in use, the small ones of `Limits::buffer_bytes_max` too.
  std::uint64_t buffers_spare = 0;      ///< Chunk buffers kept for later.
  std::array<std::uint64_t, 9> jobs{};  ///< By `JobState`; final ones while their files are being dealt with.

  friend bool operator==(const Metrics&, const Metrics&) = default;
};

/// One figure, for exporting: names and units are stable, docs/observability.md has the list.
struct MetricValue {
  enum class Kind : std::uint8_t { counter, gauge };

  std::string_view name;  ///< as `bytes_received`, and `jobs_in_suspended` for the gauges by state.
  Kind kind;
  std::string_view unit;  ///< `bytes`, or `1` for a number of things.
  std::uint64_t value;
};

/// All of them, in the order of the struct.
[[nodiscard]] BGXFER_API std::vector<MetricValue> list(const Metrics& metrics);

}  // namespace bgxfer::inline v0

#endif
