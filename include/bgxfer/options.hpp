#ifndef BGXFER_OPTIONS_HPP
#define BGXFER_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0 {

class Clock;
class RequestProvider;
class SecretStore;
class Storage;

/// Runs a callable on the thread where the host wants its callbacks.
using Dispatcher = std::function<void(std::function<void()>)>;

/// Every limit of a queue, with what a launcher wants as default. Fixed for the life of the queue.
struct Limits {
  // Size of the queue. Exceeding one is an error of the call that would.
  std::size_t jobs_max = 100'000;
  std::size_t files_per_job_max = 4'000'000;
  std::size_t ranges_per_file_max = 10'000;
  std::size_t display_name_bytes_max = 256;
  std::size_t description_bytes_max = 1024;
  std::size_t url_bytes_max = 8192;
  std::size_t header_bytes_max = 16'384;      ///< Names and values of a job's request headers together.

  // Scheduling (spec part 2).
  std::size_t foreground_jobs_max = 16;       ///< Foreground jobs that run at the same time.
  std::size_t background_jobs_max = 1;        ///< Jobs of the other priorities that run at the same time.
  bool background_beside_foreground = false;  ///< Whether background jobs run while a foreground job does. BITS: yes.
  std::chrono::milliseconds time_slice{60'000};  ///< How long a job runs while its equals wait.

  // Retry.
  std::chrono::milliseconds retry_delay_floor{0};            ///< A smaller `retry_delay_min` is raised to this.
  std::chrono::milliseconds retry_after_max{86'400'000};     ///< A longer wish of a server is cut to this.
  std::chrono::milliseconds disk_space_retest{10'000};       ///< How often a full disk is looked at again.
  std::uint32_t restarts_max = 5;             ///< Restarts of one file from 0 without a finish before the job fails.

  // Crash safety (docs/journal_format.md).
  std::uint64_t claim_bytes = 512 * 1024;     ///< Bytes of a file that a crash of the process may cost, plus one chunk.
  std::chrono::milliseconds checkpoint_interval{2'000};      ///< Transfer time that a power cut may cost.
  std::size_t journal_bytes_before_compaction = 1024 * 1024; ///< And four times the live state.

  // Proof that a resource is the same, and that it is whole.
  std::size_t overlap_bytes = 64 * 1024;      ///< Bytes compared on resume where the server gives no strong validator.
  std::uint64_t unsized_bytes_max = std::uint64_t{1} << 30;  ///< Bytes taken from a server that tells no size.

  /// The numbers of BITS where BITS has one (spec part 10): 60 jobs, 200 files, 500 ranges, slices of 300 s.
  [[nodiscard]] BGXFER_API static Limits bits() noexcept;
};

/// How a queue is built. Everything but the transport and the storage has a default.
struct QueueOptions {
  std::shared_ptr<Transport> transport{};
  std::shared_ptr<Storage> storage{};
  std::shared_ptr<Clock> clock{};          ///< Empty: the steady clock.
  std::filesystem::path journal{};         ///< Empty: jobs live and die with the queue.
  std::shared_ptr<SecretStore> secrets{};  ///< Keeps headers and credentials over restarts. Empty: they are asked for again.
  std::shared_ptr<RequestProvider> requests{};  ///< Renews URLs and headers. Empty: they are what the job says.
  Sha256Factory sha256{};                  ///< Needed for files with `FileSpec::sha256`; see `bgxfer/openssl/sha256.hpp`.

  Limits limits{};
  std::size_t chunk_bytes = 256 * 1024;    ///< Size of the buffer of a running transfer; 4 KiB to 16 MiB.
  std::uint64_t bytes_per_second_max = 0;  ///< For all transfers together. 0: as fast as it goes.
  /// For job ids and retry jitter, with the clock's time, so that a test with a clock of its own is repeatable.
  /// 0: from the system.
  std::uint64_t seed = 0;

  Dispatcher dispatch{};                   ///< Empty: callbacks run on a strand of the queue's executor.
  /// One line at a time, without newline and without secrets; from any thread, never while a lock is held.
  std::function<void(std::string_view)> log{};
};

/// One file to fetch.
struct FileSpec {
  std::string url{};
  std::filesystem::path target{};           ///< Absolute; its folder exists.
  /// Parts of the resource; the file is their concatenation in this order (spec part 4.3). Empty: the whole resource.
  std::vector<ByteRange> ranges{};
  std::optional<Sha256> sha256{};           ///< Of the finished file. A job with a file that differs never completes.
  std::optional<std::uint64_t> size{};      ///< Of the finished file, where the host knows it. Enforced.

  friend bool operator==(const FileSpec&, const FileSpec&) = default;
};

/// A job: what to fetch and how. Changed later with `Job::configure`.
struct JobOptions {
  std::string display_name{};               ///< For people; need not be unique.
  std::string description{};                ///< For people, at more length.
  /// For the host's program: what the job belongs to, say. bgxfer does not look at it. At most
  /// `Limits::description_bytes_max`.
  std::string tag{};
  JobType type = JobType::download;         ///< Fixed when the job is added.
  Priority priority = Priority::normal;
  std::vector<FileSpec> files{};            ///< Only for `TransferQueue::add`; more come with `Job::add`.
  std::uint32_t parallel_files = 1;         ///< Files in flight at the same time, 1 to 64. 1: in the order of adding.

  /// After a failed attempt the next one comes after a random time between `retry_delay_min` and a bound that
  /// doubles from there up to `retry_delay_max`.
  std::chrono::milliseconds retry_delay_min{1'000};
  std::chrono::milliseconds retry_delay_max{600'000};
  /// A job that fails again and again without a byte of progress for this long goes to `error`. 0: at the first failure.
  std::chrono::milliseconds no_progress_timeout{86'400'000};

  std::uint64_t bytes_per_second_max = 0;   ///< For this job. 0: only the queue's limit.
  HttpOptions http{};

  /// The defaults of BITS (spec part 3.2): retry every 600 s, give up after 14 days.
  [[nodiscard]] BGXFER_API static JobOptions bits();

  friend bool operator==(const JobOptions&, const JobOptions&) = default;
};

}  // namespace bgxfer::inline v0

#endif
