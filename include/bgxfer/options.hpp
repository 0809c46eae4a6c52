#ifndef BGXFER_OPTIONS_HPP
#define BGXFER_OPTIONS_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>
#include <bgxfer/cost.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/file_attributes.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/identity.hpp>
#include <bgxfer/log.hpp>
#include <bgxfer/notify.hpp>
#include <bgxfer/owner.hpp>
#include <bgxfer/peer_caching.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0 {

class Clock;
class CommitGuard;
class RequestProvider;
class SecretStore;
class Storage;

/// Runs a callable on the thread where the host wants its callbacks, now or later. Throws if it cannot take it: that
/// leaves the executor's run function, and what was to be told is told later.
using Dispatcher = std::function<void(std::function<void()>)>;

/// Every limit of a queue, with what a launcher wants as default. Fixed for the life of the queue.
struct Limits {
  // Size of the queue. Exceeding one is an error of the call that would.
  std::size_t jobs_max = 100'000;
  std::size_t jobs_per_owner_max = 100'000;  ///< Of these, jobs of one owner (`Job::owner`).
  std::size_t files_per_job_max = 4'000'000;
  std::size_t ranges_per_file_max = 10'000;
  std::size_t mirrors_per_file_max = 16;
  std::size_t pieces_per_file_max = 16'384;
  std::size_t display_name_bytes_max = 256;
  std::size_t description_bytes_max = 1024;
  std::size_t url_bytes_max = 8192;
  std::size_t url_segment_bytes_max = 8192;         ///< One part of a URL's path, between two slashes.
  std::size_t target_bytes_max = 4095;              ///< The whole path of a file.
  std::size_t header_bytes_max = 16'384;            ///< Names and values of a job's request headers together.
  std::size_t command_program_bytes_max = 4095;     ///< Path of a `NotifyCommand`.
  std::size_t command_arguments_bytes_max = 4'000;  ///< Its arguments together, one more for each.

  /// Files of a job whose `File::response_headers` are kept: the ones that were answered last.
  std::size_t response_headers_files_max = 1024;

  // Scheduling (spec part 2).
  std::size_t foreground_jobs_max = 16;       ///< Foreground jobs that run at the same time.
  std::size_t background_jobs_max = 1;        ///< Jobs of the other priorities that run at the same time.
  bool background_beside_foreground = false;  ///< Whether background jobs run while a foreground job does. BITS: yes.
  std::chrono::milliseconds time_slice{60'000};  ///< How long a job runs while its equals wait.

  // Several connections for one file.
  /// No connection is given less than this to fetch, unless less is left, or it relieves one that is too slow.
  std::uint64_t slice_bytes_min = 256 * 1024;
  /// Origins (scheme, host and port) of which the queue remembers how many connections they take, how fast one is and
  /// whether it failed lately: the ones used last. An origin that has turned a connection down is asked for one more
  /// after a while.
  std::size_t origins_known_max = 256;

  // Memory.
  /// Chunk buffers of all transfers together. Beyond it transfers get small ones, of 16 KiB, instead of
  /// `QueueOptions::chunk_bytes`: slower, but never refused.
  std::size_t buffer_bytes_max = 24 * 1024 * 1024;

  // Retry.
  std::chrono::milliseconds retry_delay_floor{0};         ///< A smaller `retry_delay_min` is raised to this.
  std::chrono::milliseconds retry_after_max{86'400'000};  ///< A longer wish of a server is cut to this, and to a day.
  std::chrono::milliseconds disk_space_retest{10'000};    ///< How often a full disk is looked at again.
  std::uint32_t restarts_max = 5;  ///< Restarts of one file from 0 without a finish before the job fails.

  // How long a job may take.
  /// A job that nobody has touched and that has not moved a byte for this long is cancelled (spec part 1.3, T25). 0:
  /// never. At most 999 days. While there are jobs, the queue then keeps a timer, so `io_context::run` does not return.
  std::chrono::milliseconds inactivity_timeout{0};
  /// For jobs without `JobOptions::maximum_download_time`. 0: as long as it takes.
  std::chrono::milliseconds maximum_download_time{0};

  // Notifications (spec part 6).
  std::size_t notifications_max = 4;  ///< Handlers that run at the same time.

  /// On which networks jobs run that do not say so themselves, by `Priority` (spec part 9.5).
  std::array<TransferPolicy, 4> transfer_policy{TransferPolicy::always, TransferPolicy::always, TransferPolicy::always,
                                                TransferPolicy::always};

  // Crash safety (docs/journal_format.md).
  /// Bytes of a file that a crash may cost, plus one chunk of each connection; during a sync of the file as much as a
  /// power cut. Told to the journal at the half of it; a journal that is slow is waited for, one that fails is not.
  std::uint64_t claim_bytes = 768 * 1024;
  std::chrono::milliseconds checkpoint_interval{2'000};       ///< Transfer time that a power cut may cost.
  std::size_t journal_bytes_before_compaction = 1024 * 1024;  ///< And four times the live state.

  // Proof that a resource is the same, and that it is whole.
  std::size_t overlap_bytes = 64 * 1024;  ///< Bytes compared on resume where the server gives no strong validator.
  std::uint64_t unsized_bytes_max = std::uint64_t{1} << 30;  ///< Bytes taken from a server that tells no size.

  /// The numbers of BITS where BITS has one (spec part 10): 60 jobs of an owner, 200 files, 500
  /// ranges, slices of 300 s, 90 days of inactivity.
  [[nodiscard]] BGXFER_API static Limits bits() noexcept;
};

/// How a queue is built. Everything but the transport and the storage has a default.
struct QueueOptions {
  std::shared_ptr<Transport> transport{};
  std::shared_ptr<Storage> storage{};
  std::shared_ptr<Clock> clock{};               ///< Empty: the steady clock.
  std::filesystem::path journal{};              ///< Empty: jobs live and die with the queue.
  std::shared_ptr<SecretStore> secrets{};       ///< Keeps credentials over restarts. Empty: they are asked for again.
  std::shared_ptr<RequestProvider> requests{};  ///< Renews URLs and headers. Empty: they are what the job says.
  std::shared_ptr<CommitGuard> commit_guard{};  ///< Looks at files before they get their names. Empty: nobody does.
  Sha256Factory sha256{};  ///< For files with `FileSpec::sha256` or `pieces`; see `bgxfer/openssl/sha256.hpp`.

  Limits limits{};
  std::size_t chunk_bytes = 256 * 1024;    ///< Buffer of a running transfer, 4 KiB to 16 MiB; two where it is hashed.
  std::uint64_t bytes_per_second_max = 0;  ///< For all transfers together. 0: as fast as it goes.
  /// For job ids and retry jitter, with the clock's time, so that a test with a clock of its own is repeatable.
  /// 0: from the system.
  std::uint64_t seed = 0;

  /// Called from any thread. Empty: callbacks of `on_event` run on a strand of the queue's executor, notification
  /// handlers and commands on the executor itself.
  Dispatcher dispatch{};
  /// What happens inside, for people who look after the host; `to_line` makes a line of an entry. Called from any
  /// thread, with no lock held, until the queue has ended all its work. What it throws is dropped.
  std::function<void(const LogEntry&)> log{};
  LogLevel log_level = LogLevel::info;  ///< Less is not logged.

  /// Handlers that jobs name in `NotifyOptions::handler`, and so find again after a restart.
  std::map<std::string, NotifyHandler> notify_handlers{};
  /// Runs `NotifyOptions::command`. Empty: jobs with a command are refused, and those of earlier runs do not run
  /// theirs.
  CommandRunner run_command{};
  /// For whom this queue acts: the owner of its new jobs. Empty name: the user of the process.
  Owner owner{};
  /// The limits on numbers of jobs, files and ranges do not hold: what BITS grants administrators and services.
  bool limits_exempt = false;
};

/// One file to fetch.
struct FileSpec {
  std::string url{};
  std::filesystem::path target{};  ///< Absolute; its folder exists.
  /// Parts of the resource; the file is their concatenation in this order (spec part 4.3). Empty: the whole resource.
  std::vector<ByteRange> ranges{};
  /// Where in the file each of `ranges` begins; what lies between them are zeros, and a hole where the file system has
  /// such. Empty: one behind the other. The ranges' own offsets make the file an image of the resource.
  std::vector<std::uint64_t> placed_at{};
  std::optional<Sha256> sha256{};       ///< Of the finished file. A job with a file that differs never completes.
  std::optional<std::uint64_t> size{};  ///< Of the finished file, where the host knows it. Enforced.
  /// Other URLs of the same resource. They are asked when `url` fails (or has just failed for another file, where a
  /// hash tells right from wrong), with `pieces` as soon as they are faster, and beside it where a job has several
  /// connections for a file. What they send is believed only once it is proven to be the same: by its size and by
  /// `pieces`, or else by bytes that are compared; the finished file is held against `sha256` as always.
  std::vector<std::string> mirrors{};
  /// Of the finished file; with `size`. Bytes count as arrived only once their piece is verified, which happens while
  /// they are in memory. A wrong piece alone is fetched again: from another source, then past caches; then the job
  /// fails. Not with `placed_at`.
  PieceHashes pieces{};

  friend bool operator==(const FileSpec&, const FileSpec&) = default;
};

/// How a job treats what it downloads (spec parts 2.4, 3.12 and 4.8).
struct DownloadOptions {
  /// For content that is made on demand: servers without sizes, ranges and ends are accepted, and nothing is ever
  /// resumed: an interruption begins anew. Not with ranges, nor with `on_demand`. Fixed by the first resume.
  bool dynamic_content = false;
  /// For many small files: what has arrived of an unfinished file is not noted in the journal, so a crash or a restart
  /// begins it anew. Fixed by the first file.
  bool high_performance = false;
  /// Bytes of all files together; more is `Errc::download_too_large`. At least 1. Empty: no limit. Fixed by the first
  /// resume.
  std::optional<std::uint64_t> size_max{};
  /// Only ranges that are asked for with `File::request_ranges` are fetched. When all of them are there, the job is
  /// `transferred` if its files are whole, else `suspended`. Fixed by the first resume.
  bool on_demand = false;

  friend bool operator==(const DownloadOptions&, const DownloadOptions&) = default;
};

/// A job: what to fetch and how. Changed later with `Job::configure`.
struct JobOptions {
  std::string display_name{};  ///< For people; need not be unique.
  std::string description{};   ///< For people, at more length.
  /// For the host's program: what the job belongs to, say. bgxfer does not look at it. At most
  /// `Limits::description_bytes_max`.
  std::string tag{};
  JobType type = JobType::download;  ///< Fixed when the job is added.
  Priority priority = Priority::normal;
  std::vector<FileSpec> files{};     ///< Only for `TransferQueue::add`; more come with `Job::add`.
  std::uint32_t parallel_files = 1;  ///< Files in flight at the same time, 1 to 64. 1: in the order of adding.
  /// Connections for one file at the same time, over all its sources, 1 to 32. More than one are used where the bytes
  /// can be told to belong together: the server serves ranges, and there is a strong validator, `FileSpec::pieces` or
  /// `FileSpec::sha256`. The transport's own limit for a host counts as well.
  std::uint32_t connections_per_file = 1;

  /// After a failed attempt the next one comes after a random time between `retry_delay_min` and a bound that
  /// doubles from there up to `retry_delay_max`.
  std::chrono::milliseconds retry_delay_min{1'000};
  std::chrono::milliseconds retry_delay_max{600'000};
  /// A job that fails again and again without a byte of progress for this long goes to `error`. 0, or less than
  /// `retry_delay_min`: at the first failure. `milliseconds::max()`: never; as everywhere here and in `Limits`, more
  /// than 139 years are taken as these.
  std::chrono::milliseconds no_progress_timeout{86'400'000};

  std::uint64_t bytes_per_second_max = 0;  ///< For this job. 0: only the queue's limit.
  HttpOptions http{};

  /// Time in `connecting` and `transferring` since the last resume; when it is over, the job goes to `error` with
  /// `Errc::download_time_exceeded` (spec part 3.2). Empty: `Limits::maximum_download_time`. 0: no limit.
  std::optional<std::chrono::milliseconds> maximum_download_time{};
  DownloadOptions download{};
  /// On which networks the job may run. Empty: `Limits::transfer_policy`. A change acts at once.
  std::optional<TransferPolicy> transfer_policy{};
  NotifyOptions notify{};
  /// What files take over from their sources once they have arrived (spec part 3.15): owner, group, permissions. Means
  /// something for `file://` only. Fixed once the job is `transferred`. Without the privilege the job waits in
  /// `transient_error` with `Errc::attributes_denied`.
  FileAclFlags file_acl_flags = FileAclFlags::none;
  IdentityOptions identity{};  ///< On whose behalf (spec part 3.14). Only the usage is stored.
  /// What the job allows between it and peers (spec part 3.13). Kept for the peer cache, which comes later: no transfer
  /// goes by it yet. A job whose flags change while it runs goes back into the line, and its file goes on where it was.
  PeerCaching peer_caching = PeerCaching::none;

  /// The defaults of BITS (spec part 3.2): retry every 600 s, give up after 14 days.
  [[nodiscard]] BGXFER_API static JobOptions bits();

  friend bool operator==(const JobOptions&, const JobOptions&) = default;
};

}  // namespace bgxfer::inline v0

#endif
