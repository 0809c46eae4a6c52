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
#include <bgxfer/ids.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

namespace detail {
struct JobCore;
}

/// How far one file is (BITS `BG_FILE_PROGRESS`).
struct FileProgress {
  std::uint64_t bytes_transferred = 0;         ///< May fall back to 0 when the resource changes on the server.
  std::optional<std::uint64_t> bytes_total{};  ///< Empty until the server has told.
  bool transferred = false;                    ///< Every byte is on disk, under the temporary name at least.
  bool completed = false;                      ///< The file stands under its own name.
};

/// One of several connections at work on a file.
struct FileConnection {
  std::string url{};                    ///< Of the source. May carry secrets; show `public_url` of it.
  ByteRange rest{};                     ///< What it still has to bring, by its place in the file.
  std::uint64_t bytes_received = 0;     ///< Since it asked.
  std::uint64_t bytes_per_second = 0;   ///< Since it asked; 0 while nothing has come.
  bool relieved = false;                ///< Too slow: another one has been sent for the same bytes.
};

/// One file of a job. As cheap to copy and as safe to share as `Job`; any thread.
class BGXFER_API File {
 public:
  [[nodiscard]] FileIndex index() const noexcept { return index_; }
  [[nodiscard]] std::string url() const;
  /// `FileSpec::mirrors`. May carry secrets; show `public_url` of them.
  [[nodiscard]] std::vector<std::string> mirrors() const;
  [[nodiscard]] std::filesystem::path target() const;
  /// Where the bytes are until the job is completed: a name beside the target. Only to be read.
  [[nodiscard]] std::filesystem::path temporary() const;
  [[nodiscard]] FileProgress progress() const;
  /// The bytes that are in the temporary file, by their place in it, sorted and merged.
  [[nodiscard]] std::vector<ByteRange> arrived() const;
  /// Who brings what, where `JobOptions::connections_per_file` allows several. As of the last time a connection began,
  /// ended or handed over a part of its rest; empty while nothing is at work.
  [[nodiscard]] std::vector<FileConnection> connections() const;

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
