#ifndef BGXFER_FILE_HPP
#define BGXFER_FILE_HPP

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/file_connection.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

namespace detail {
struct JobCore;
}

/// How far one file is (BITS `BG_FILE_PROGRESS`). Holes of a file with `FileSpec::placed_at` do not count.
struct FileProgress {
  std::uint64_t bytes_transferred = 0;         ///< May fall back to 0 when the resource changes on the server.
  std::optional<std::uint64_t> bytes_total{};  ///< Empty until the server has told.
  bool transferred = false;                    ///< Every byte is on disk, under the temporary name at least.
  bool completed = false;                      ///< The file stands under its own name.
};

/// One file of a job. As cheap to copy and as safe to share as `Job`; any thread.
class BGXFER_API File {
 public:
  [[nodiscard]] FileIndex index() const noexcept { return index_; }
  /// Where it comes from (BITS's remote name, spec part 3.9): where redirects led to, if the job has
  /// `RedirectMode::report`, or would have, if it has `refuse`; else `own_url`. May carry secrets; show `public_url` of
  /// it.
  [[nodiscard]] std::string url() const;
  /// What requests are for: the URL of `FileSpec`, or that of the last `set_url`.
  [[nodiscard]] std::string own_url() const;
  /// `FileSpec::mirrors`. May carry secrets; show `public_url` of them.
  [[nodiscard]] std::vector<std::string> mirrors() const;
  [[nodiscard]] std::filesystem::path target() const;
  /// What it is made of, as `FileSpec::ranges` said. Empty: the whole resource.
  [[nodiscard]] std::vector<ByteRange> ranges() const;
  /// Where the bytes are until the job is completed: a name beside the target. Only to be read.
  [[nodiscard]] std::filesystem::path temporary() const;
  [[nodiscard]] FileProgress progress() const;
  /// The bytes that are in the temporary file, by their place in it, sorted and merged.
  [[nodiscard]] std::vector<ByteRange> arrived() const;
  /// Who brings what, where `JobOptions::connections_per_file` allows several. As of the last time a connection began,
  /// ended or handed over a part of its rest; empty while nothing is at work.
  [[nodiscard]] std::vector<FileConnection> connections() const;

  /// The headers of the server's last answer for this file (BITS's file property HTTP_RESPONSE_HEADERS). Not kept
  /// across restarts, and only of the last `Limits::response_headers_files_max` files of a job.
  [[nodiscard]] std::vector<Header> response_headers() const;
  /// Whether the host has said that the file is right; what is completed is taken for right.
  /// `Errc::file_not_transferred` until it has arrived.
  [[nodiscard]] Result<bool> validation_state() const;

  // Commands, under the rules of those of `Job`.

  /// The file comes from `url` from here on. What has arrived already stays if the new URL proves to have the same
  /// bytes: the same size, the same date where both tell one, and up to `Limits::overlap_bytes` before the first
  /// missing byte that are compared; else the file starts again. A finished file is not fetched again. Unlike BITS,
  /// which forgets the new URL if there is no resume before a crash, the journal has it at once, as it has whatever
  /// else a command changed.
  CommandResult set_url(std::string url);
  /// The host's word about a file that has arrived (spec part 4.9). False: the file is dropped, the job, whatever it
  /// did, is in `error` with `Errc::validation_failed`, and `resume` fetches it again, past caches.
  CommandResult set_validation_state(bool valid);
  /// These bytes come before all others of the job, in any number and order; what has arrived of them is not fetched
  /// again. In jobs with `DownloadOptions::on_demand` no others come, and a suspended job has to be resumed.
  /// `Errc::invalid_range` for ranges outside the file; `Errc::random_access_unsupported` for files made of ranges, for
  /// dynamic content, and where the server is known to send no parts. Of files with `FileSpec::pieces` whole pieces are
  /// fetched. Wishes are not kept across restarts.
  CommandResult request_ranges(const std::vector<ByteRange>& ranges);
  /// What is missing from `offset` on comes before what is missing ahead of it: for players that jump.
  CommandResult prioritize_from(std::uint64_t offset);

  // Conditions.

  /// Resolves when all that `request_ranges` asked for is on disk, at once if nothing is missing, or with what stopped
  /// the job. A suspended job is waited for.
  asio::awaitable<Result<void>> served() const&;
  asio::awaitable<Result<void>> served() const&& = delete;  // A condition is awaited on a named handle.

  /// Resolves when every byte of this file is on disk, or with what stopped the job. Resumes on the awaiting
  /// coroutine's executor; the wait may outlive the handle.
  asio::awaitable<Result<void>> transferred() const&;
  asio::awaitable<Result<void>> transferred() const&& = delete;  // A condition is awaited on a named handle.

 private:
  friend class Job;
  File(std::shared_ptr<detail::JobCore> core, FileIndex index) : core_(std::move(core)), index_(index) {}

  std::shared_ptr<detail::JobCore> core_;
  FileIndex index_;
};

}  // namespace bgxfer::inline v0

#endif
