#ifndef BGXFER_SRC_ENGINE_FILE_TASK_HPP
#define BGXFER_SRC_ENGINE_FILE_TASK_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <bgxfer/digest.hpp>
#include <bgxfer/range_set.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/storage.hpp>
#include <bgxfer/transport.hpp>

#include "plan.hpp"
#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// Fetches whatever is still missing of one file, gap by gap, until nothing is. One coroutine, on one strand.
///
/// Whatever ends it, every byte that was written is in the model, and is claimed in the journal.
class FileTask {
 public:
  /// `stopping` is set when the turn is over: the task then ends soon, with `Errc::cancelled`.
  FileTask(const TaskContext& context, Model::Core job, FileIndex file, std::span<std::byte> buffer,
           const std::atomic<bool>& stopping);

  asio::awaitable<Result<void>> run();

 private:
  // The steps of a run.
  asio::awaitable<Result<void>> reopen();
  asio::awaitable<Result<void>> fill(ByteRange gap);
  asio::awaitable<Result<void>> finish();

  // The steps of filling a gap.
  asio::awaitable<Result<std::unique_ptr<Download>>> ask(const Asked& asked);
  asio::awaitable<Result<void>> learn(const ResponseHead& head);
  Result<void> learn_size(std::uint64_t resource_size);
  asio::awaitable<Result<void>> make_file();
  asio::awaitable<Result<void>> same_bytes(Download& download, std::uint64_t local, std::uint64_t count, bool& same);
  asio::awaitable<Result<void>> receive(Download& download, std::uint64_t local, std::uint64_t length);
  asio::awaitable<Result<void>> store(std::uint64_t local, std::span<const std::byte> bytes);
  asio::awaitable<Result<void>> pace(std::size_t bytes);
  asio::awaitable<Result<void>> restart(std::string why);
  asio::awaitable<Result<void>> open_failed(const Error& error, Piece piece, const Asked& asked, bool proven);
  Result<void> refuse_range(const Error& error);
  Result<void> check_wishes();
  Result<void> lose_random_access(bool unproven);
  asio::awaitable<Result<void>> begin_anew();

  // What needs no waiting.
  [[nodiscard]] std::optional<ByteRange> next_gap() const;
  /// Whether all that is asked for is here, and the rest is not to be fetched.
  [[nodiscard]] bool idle() const;
  /// Whether the host has changed its wishes since they were looked at.
  bool wishes_changed(const Model::Lock& lock);
  void note_head(const Model::Lock& lock, const ResponseHead& head);
  /// Why the record does not take what this task has.
  [[nodiscard]] Error overtaken() const;
  /// Whether the job has a method of its own, with which nothing is resumed (spec part 3.11).
  [[nodiscard]] bool own_method() const noexcept;
  [[nodiscard]] Error cancelled() const;
  [[nodiscard]] Error sync_failed() const;
  /// The job as a whole is larger than it may be, as far as is known.
  [[nodiscard]] std::optional<Error> too_large() const;
  [[nodiscard]] Error wrong_size(std::uint64_t found) const;
  /// Whether a sync beside this task has failed: the record has forgotten bytes that this task still counts on.
  [[nodiscard]] bool superseded(const Model::Lock& lock) const;
  [[nodiscard]] Error blame(Errc code, ErrorContext where, std::string detail) const;
  void count_received(std::size_t bytes);
  void note_arrived(ByteRange range);
  /// Puts what has been written since the last claim into the journal.
  void claim(const Model::Lock& lock);
  [[nodiscard]] FileStarted started() const;

  asio::awaitable<Result<void>> verify();
  asio::awaitable<Result<void>> preserve();

  const TaskContext& context_;
  const Model::Core job_;
  const FileIndex file_;
  const std::span<std::byte> buffer_;
  const std::atomic<bool>& stopping_;

  // Copies of what the record says, so that moving bytes needs the model's lock only to report.
  std::string url_;
  FilePlace place_;
  HttpOptions http_;
  DownloadOptions download_;
  std::shared_ptr<const HelperIdentity> on_behalf_;  ///< Of whom the resource is asked for.
  FileAclFlags wanted_attributes_ = FileAclFlags::none;
  Layout layout_;
  Known known_;
  Wishes wishes_;
  std::uint64_t wishes_edition_ = 0;
  std::uint64_t disk_end_ = 0;                   ///< Of what an earlier turn left in the temporary file.
  std::string reported_;                         ///< Where redirects led to, if the job wants to be told.
  std::optional<std::uint64_t> size_;            ///< Of the finished file.
  std::optional<std::uint64_t> expected_size_;
  std::optional<Sha256> sha256_;
  std::optional<FileIdentity> identity_;
  std::optional<std::chrono::system_clock::time_point> modified_;
  std::uint32_t generation_ = 0;
  bool head_seen_ = false;                       ///< Of this version, in this turn.
  std::optional<FileAttributes> attributes_;     ///< What it said.
  RangeSet arrived_;                             ///< And holes, which nobody fetches.

  std::shared_ptr<OpenFile> open_;
  RangeSet unclaimed_;                           ///< Written, and not yet in the journal.
  std::unique_ptr<Sha256Stream> digest_;
  std::uint64_t digested_ = 0;                   ///< Bytes from the start of the file that are in `digest_`.

  bool conditional_ = true;                      ///< Send the validator as a condition.
  bool maybe_ended_ = false;                     ///< What was compared ends where the missing bytes would begin.
  std::uint64_t overlap_max_ = ByteRange::to_end;  // Less than Limits::overlap_bytes where the server sends too little.
  std::uint32_t refused_ = 0;                    ///< Responses with bytes that nobody asked for.
  bool narrow_ = false;                          ///< The server forbids wide ranges.
  bool past_caches_ = false;                     ///< What came had the wrong digest: no cache is to answer again.
  bool finished_ = false;                        ///< All is here, and noted.
  bool ended_ = false;                           ///< A body of unknown length has come to its end.
};

}  // namespace bgxfer::inline v0::detail

#endif
