#ifndef BGXFER_SRC_ENGINE_ASSEMBLY_HPP
#define BGXFER_SRC_ENGINE_ASSEMBLY_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <bgxfer/digest.hpp>
#include <bgxfer/range_set.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/storage.hpp>
#include <bgxfer/transport.hpp>

#include "busy_ranges.hpp"
#include "hasher.hpp"
#include "plan.hpp"
#include "source.hpp"
#include "task_context.hpp"

namespace bgxfer::inline v0::detail {

/// One file that is being put together: what is known of it, what of it has arrived, and where that is written. What
/// the connections of the file share; used on one strand.
///
/// Whatever ends it, every byte that was written is in the model, and is claimed in the journal by `let_go`. Bytes of a
/// file with hashes of pieces count as arrived only once their piece is verified: until then they are `pending`.
class Assembly {
 public:
  /// `stopping` is set when the turn is over.
  Assembly(std::shared_ptr<const TaskContext> context, asio::any_io_executor strand, Model::Core job, FileIndex file,
           std::shared_ptr<const std::atomic<bool>> stopping);

  /// Opens the temporary file of an earlier turn. What it should hold but does not is fetched again.
  asio::awaitable<Result<void>> reopen();
  /// Makes the temporary file, with room for it where the size is known.
  asio::awaitable<Result<void>> make_file();
  /// Notes what the resource is, the first time and after a restart, and makes the file that it goes into.
  /// `asked` is the URL that `head` answers to, which is not always that of the source.
  asio::awaitable<Result<void>> learn(const ResponseHead& head, std::size_t source, const std::string& asked);
  /// This source has what is here, and calls it what this head says: its next responses are held against that.
  void believe(const ResponseHead& head, std::size_t source);
  /// Where the file's own URL leads to, for a job that wants to be told; empty: nowhere else.
  void note_redirect(std::string url);
  /// Notes the size of the resource that the server did not tell, once its end has been seen.
  Result<void> learn_size(std::uint64_t resource_size);
  /// Writes what is not on disk yet, and notes it. Whether that was all of it: else what is on disk is somebody else's.
  asio::awaitable<Result<bool>> store(std::uint64_t local, std::span<const std::byte> bytes, std::size_t source);
  /// Drops what has arrived, so many times and no more. Only while nobody else is at work on the file.
  asio::awaitable<Result<void>> restart(std::string why);
  /// The same without counting.
  asio::awaitable<Result<void>> begin_anew();
  /// Drops all but these bytes, which are claimed again.
  asio::awaitable<Result<void>> keep_only(RangeSet kept);
  /// Looks at the piece of which `local` is a byte, if all of it is on disk. `hasher` may have seen it all; `buffer` is
  /// for reading it again else. What is wrong is to be fetched once more.
  asio::awaitable<Result<void>> check_piece(std::uint64_t local, Hasher* hasher, std::span<std::byte> buffer);
  /// What came had the wrong digest: no cache answers for the file again, in later turns either.
  void distrust_caches(const Model::Lock& lock);
  /// Whether a piece was wrong and is not right yet.
  [[nodiscard]] bool any_wrong() const noexcept { return wrong_ && !wrong_->empty(); }
  /// This source is about to be asked for these bytes: past every cache, if it had them wrong, as from then on is
  /// everybody.
  void note_asked(std::size_t source, ByteRange local);
  /// Waits until the limits of job and queue allow the next chunk.
  asio::awaitable<Result<void>> pace(std::size_t bytes);
  /// The turn is over, and this is how it went: claims what is not claimed yet.
  void let_go(const Result<void>& outcome);

  // What needs no waiting.
  /// Looks whether the host has changed its wishes since they were looked at (spec part 4.8).
  bool wishes_changed(const Model::Lock& lock);
  /// The server does not send parts, or nothing tells that they belong together: the file is fetched from its start.
  Result<void> lose_random_access(bool unproven);
  /// Once the size is known, no wish may be for more.
  Result<void> check_wishes();
  /// Keeps the fields of a response for the host.
  void note_head(const Model::Lock& lock, const ResponseHead& head);
  /// Whether all that is asked for is here, and the rest is not to be fetched.
  [[nodiscard]] bool idle() const;
  /// Whether `local` is where the first missing byte of the file is.
  [[nodiscard]] bool is_first_gap(std::uint64_t local) const;
  /// Where the first missing byte is from here on.
  [[nodiscard]] std::uint64_t first_missing(std::uint64_t local) const;
  /// The runs of the file that are wanted, the most urgent first.
  [[nodiscard]] std::vector<ByteRange> wishes() const;
  /// The first run that nobody has to fetch any more has none of; empty if all is here.
  [[nodiscard]] std::optional<ByteRange> first_gap() const;
  /// What nobody has to fetch: arrived, or on disk and not yet verified.
  [[nodiscard]] RangeSet covered() const;
  [[nodiscard]] bool covers(ByteRange range) const { return !gap_in(range); }
  [[nodiscard]] bool has_pieces() const noexcept { return !pieces.sha256.empty(); }
  /// What the source is asked for of the first wanted piece that was wrong and for which it is called like this: what
  /// is missing of it, or all if somebody had begun to bring it who is not asked any more. Whoever has begun goes on,
  /// before anything else. `taken`: what others are at work on.
  [[nodiscard]] std::optional<ByteRange> wrong_gap(std::size_t source, Call call, const RangeSet& taken) const;
  /// What the source is not asked for among other bytes: `covered`, and pieces that were wrong, but for those that
  /// somebody is at work on whom it may relieve, because none of it has come.
  [[nodiscard]] RangeSet covered_for(std::size_t source, const RangeSet& taken) const;
  /// Whether these bytes touch a piece that was wrong and that the source is not asked for, or that somebody else has
  /// begun.
  [[nodiscard]] bool is_barred(std::size_t source, ByteRange local) const;
  /// Whether the source had pieces wrong, and somebody is here who had none wrong: who has brought something, or could
  /// not do worse than to have two of them wrong. It is asked only for pieces that were wrong.
  [[nodiscard]] bool is_shunned(std::size_t source) const;
  /// Whether the source has failed, and would fail again however long one waits.
  [[nodiscard]] bool is_gone(std::size_t source) const;
  /// What the file ends with, because a piece of it is right nowhere.
  [[nodiscard]] std::optional<Error> nowhere_right() const;
  /// The piece with this byte.
  [[nodiscard]] ByteRange piece_with(std::uint64_t local) const;
  /// Whether several connections may work at the same time.
  [[nodiscard]] bool together() const noexcept { return connections_max > 1; }
  /// Whether bytes are here, or on their way, that must not be mixed with another version's.
  [[nodiscard]] bool bound() const noexcept;
  /// Whether the file is held against one hash of all of it, and not only against those of its pieces.
  [[nodiscard]] bool hashes_whole() const noexcept { return sha256 && !has_pieces(); }
  /// What to hold a response of this source against.
  [[nodiscard]] Known known(const Source& source) const;
  /// Whether the job has a method of its own, with which nothing is resumed (spec part 3.11).
  [[nodiscard]] bool own_method() const noexcept;
  /// The job as a whole is larger than it may be, as far as is known.
  [[nodiscard]] std::optional<Error> too_large() const;
  [[nodiscard]] Error wrong_size(std::uint64_t found, const Source& source) const;
  /// Why the record does not take what is here: the turn is over, or a sync has failed.
  [[nodiscard]] Error overtaken() const;
  [[nodiscard]] Error cancelled() const;
  /// Whether a sync beside this task has failed: the record has forgotten bytes that this task still counts on.
  [[nodiscard]] bool superseded(const Model::Lock& lock) const;
  void count_received(std::size_t bytes);
  void claim(const Model::Lock& lock);
  [[nodiscard]] FileStarted started() const;

  const std::shared_ptr<const TaskContext> context;
  const asio::any_io_executor strand;  ///< Of everything here.
  const Model::Core job;
  const FileIndex file;
  const std::shared_ptr<const std::atomic<bool>> turn;  ///< Keeps `stopping` for connections that outlive their turn.
  const std::atomic<bool>& stopping;

  // Copies of what the record says, so that moving bytes needs the model's lock only to report.
  FilePlace place;
  HttpOptions http;
  DownloadOptions download;
  std::shared_ptr<const HelperIdentity> on_behalf;  ///< Of whom the resource is asked for.
  FileAclFlags wanted_attributes = FileAclFlags::none;
  Layout layout;
  std::optional<std::uint64_t> expected_size;
  std::optional<Sha256> sha256;
  PieceHashes pieces;
  std::size_t connections_max = 1;  ///< At the same time, over all sources.

  // What was learned.
  std::vector<Source> sources;  ///< The URL, then the mirrors.
  std::size_t home = 0;         ///< The source whose validator the journal keeps.
  std::optional<std::uint64_t> resource_size;
  std::optional<std::uint64_t> size;  ///< Of the finished file.
  std::optional<std::chrono::system_clock::time_point> modified;
  std::optional<FileAttributes> attributes;  ///< What the last head said.
  std::string reported;                      ///< Where redirects led to, or would have, if the job wants to be told.
  bool head_seen = false;                    ///< Of this version, in this turn.
  bool maybe_ended = false;                  ///< What was compared ends where the missing bytes would begin.
  bool past_caches = false;                  ///< See `distrust_caches`.
  bool ended = false;                        ///< A body of unknown length has come to its end.
  bool finished = false;                     ///< All is here, and noted.

  // What is on disk.
  std::optional<FileIdentity> identity;
  std::uint32_t generation = 0;
  RangeSet arrived;               ///< And holes, which nobody fetches.
  bool any_arrived = false;       ///< Of what is not a hole.
  RangeSet pending;               ///< Written, in pieces that are not verified yet.
  std::uint64_t times_wrong = 0;  ///< That a piece was found to be.
  std::shared_ptr<OpenFile> open;
  std::shared_ptr<Hasher> hasher;  ///< Of the whole file. Empty where no digest of it is wanted.

  // What the host wants first.
  Wishes wanted;
  bool wishes_are_new = false;  ///< Not yet seen by whoever starts connections.

  // The connections.
  std::size_t connections = 0;                ///< That are at work, where there may be several.
  std::optional<std::string> restart_wanted;  ///< Why one of them wants the file to start again, once it is alone.
  Latch changed;                              ///< One of them has ended, or the first head has come.

 private:
  struct BeingChecked;

  [[nodiscard]] std::optional<ByteRange> gap_in(ByteRange range) const;
  [[nodiscard]] std::optional<ByteRange> unwritten_in(ByteRange range) const;
  void note_arrived(ByteRange range);
  void recall_sources();
  void remember_sources() const;
  [[nodiscard]] bool journal_lags();
  void forgive_differences();
  void piece_is_wrong(std::uint64_t index, const Sha256& found);
  [[nodiscard]] std::vector<Standing> standings() const;
  [[nodiscard]] ByteRange piece_at(std::uint64_t index) const { return piece_with(index * pieces.bytes); }
  [[nodiscard]] std::optional<std::size_t> who_began(ByteRange piece) const;
  [[nodiscard]] Call call_for(std::uint64_t index, std::size_t source, const std::vector<Standing>& standing) const;
  [[nodiscard]] bool is_kept_from(std::uint64_t index, std::size_t source, const std::vector<Standing>& standing) const;

  std::shared_ptr<WrongPieces> wrong_;  ///< Empty where there are no hashes of pieces.
  BusyRanges being_written_;            ///< Where there may be several connections.
  std::uint64_t wishes_edition_ = 0;
  std::uint64_t disk_end_ = 0;             ///< Of what an earlier turn left in the temporary file.
  RangeSet unclaimed_;                     ///< Arrived, and not yet in the journal.
  std::uint64_t at_risk_ = 0;              ///< Bytes of claims that the journal may not have written yet, ...
  std::uint64_t claimed_until_ = 0;        ///< ... which are among its first changes up to this.
  std::set<std::uint64_t> being_checked_;  ///< Pieces, by their index.
};

}  // namespace bgxfer::inline v0::detail

#endif
