#ifndef BGXFER_SRC_ENGINE_FILE_TASK_HPP
#define BGXFER_SRC_ENGINE_FILE_TASK_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <bgxfer/result.hpp>

#include "alarm.hpp"
#include "assembly.hpp"
#include "slice.hpp"

namespace bgxfer::inline v0::detail {

/// Fetches whatever is still missing of one file until nothing is: slice by slice over one connection, or several
/// slices at the same time, as `next_share` cuts them. One coroutine on one strand, with one more for each further
/// connection.
class FileTask {
 public:
  /// `stopping` is set when the turn is over: the task then ends soon, with `Errc::cancelled`.
  FileTask(std::shared_ptr<const TaskContext> context, asio::any_io_executor strand, Model::Core job, FileIndex file,
           std::span<std::byte> buffer, std::shared_ptr<const std::atomic<bool>> stopping);
  ~FileTask();

  asio::awaitable<Result<void>> run();

 private:
  struct Line;
  struct First;

  // One connection.
  asio::awaitable<Result<void>> fetch(ByteRange gap);

  // Several connections.
  asio::awaitable<Result<void>> fetch_together();
  asio::awaitable<std::optional<Error>> feed_lines();
  static asio::awaitable<void> run_line(std::shared_ptr<Line> line);
  [[nodiscard]] std::size_t lines_wanted() const;
  [[nodiscard]] std::size_t room_for_lines() const;
  bool start_line();
  std::optional<Error> clear_ended_lines();
  void count_out(const Line& line);
  asio::awaitable<void> end_lines();
  void publish() const;
  [[nodiscard]] bool may_divide() const;

  // Sources.
  [[nodiscard]] std::optional<std::size_t> next_source() const;
  /// How many more connections to this source may be begun.
  [[nodiscard]] std::size_t more_at(std::size_t source) const;
  /// Whether it may have something to bring, now or once somebody else has become slow.
  [[nodiscard]] bool may_help(std::size_t source) const;
  /// The bytes that connections are at work on.
  [[nodiscard]] RangeSet taken() const;
  /// What one more connection to this source is to bring; empty: nothing that would help.
  [[nodiscard]] std::optional<Share> share_of(std::size_t source, std::size_t connections) const;
  asio::awaitable<HostBook::Seat> seat_at(std::size_t source) const;
  void leave(HostBook::Seat& seat, const Slice& slice, const Result<void>& outcome) const;
  [[nodiscard]] bool goes_on(const Slice& slice, const Error& error);
  std::optional<Error> source_failed(std::size_t index, const Error& error);
  /// What the file ends with if nobody can be asked any more, and nobody is at work; empty if somebody can.
  [[nodiscard]] std::optional<Error> nobody_left() const;

  // The end.
  asio::awaitable<Result<void>> check_pending();
  asio::awaitable<Result<void>> finish();
  asio::awaitable<Result<void>> verify();
  asio::awaitable<Result<void>> verified(bool right, const Sha256& found);
  asio::awaitable<Result<void>> preserve();

  const std::shared_ptr<Assembly> file_;
  const std::span<std::byte> buffer_;
  std::vector<std::shared_ptr<Line>> lines_;
  std::unique_ptr<First> first_;  ///< Where the first of them goes, while there is none.
};

}  // namespace bgxfer::inline v0::detail

#endif
