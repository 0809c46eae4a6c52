#ifndef BGXFER_SRC_ENGINE_SLICE_HPP
#define BGXFER_SRC_ENGINE_SLICE_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "assembly.hpp"
#include "buffer_pool.hpp"

namespace bgxfer::inline v0::detail {

/// One request for a run of a file's bytes, to one of its sources, and what comes back: asks, judges the response, and
/// takes its bytes into the file. Used on the file's strand.
///
/// While it works, the end of its run may be brought forward, because another connection has taken over the rest.
class Slice {
 public:
  /// `gap` is missing, and `buffer` the slice's own until `run` has resolved.
  Slice(Assembly& file, std::size_t source, ByteRange gap, std::span<std::byte> buffer);

  /// Resolves when its bytes are here, when it has learned how the source wants to be asked (ask again), or with what
  /// went wrong. What has arrived is kept in any case.
  asio::awaitable<Result<void>> run();

  /// Asks, and looks at nothing but the head of the response: what the resource is, if it still is the same.
  asio::awaitable<Result<void>> look();

  /// What it still has to bring.
  [[nodiscard]] ByteRange rest() const;
  /// Bytes per second since it asked; 0 while none have come.
  [[nodiscard]] double bytes_per_second(Clock::TimePoint now) const;
  /// Since it asked, or since its last byte.
  [[nodiscard]] double silent_seconds(Clock::TimePoint now) const;
  /// Bytes that it has brought.
  [[nodiscard]] std::uint64_t brought() const noexcept { return brought_; }
  [[nodiscard]] std::size_t source() const noexcept { return index_; }

  /// Leaves the rest from here on to another one.
  void end_at(std::uint64_t local) { end_ = local; }
  /// Its bytes are no longer wanted of it: it ends at the next chunk, with `Errc::cancelled`.
  void drop() { dropped_ = true; }
  /// Somebody else has been sent for the same bytes.
  bool relieved = false;
  /// Called once the first byte of the body has come.
  std::function<void()> on_first_byte{};

 private:
  asio::awaitable<Result<void>> ask_and_take(ByteRange gap);
  asio::awaitable<Result<std::unique_ptr<Download>>> ask(const Asked& asked);
  asio::awaitable<Result<std::unique_ptr<Download>>> send(Request request);
  asio::awaitable<Result<void>> prove();
  asio::awaitable<Result<void>> open_failed(const Error& error, Piece piece, const Asked& asked, bool proven);
  asio::awaitable<Result<void>> restart(std::string why);
  asio::awaitable<Result<void>> same_bytes(Download& download, std::uint64_t local, std::uint64_t count, bool& same);
  asio::awaitable<Result<void>> receive(Download& download, std::uint64_t local, std::uint64_t length);
  asio::awaitable<Result<void>> take(std::uint64_t local, std::span<const std::byte> bytes);
  Result<void> refuse_range(const Error& error);
  [[nodiscard]] Error stray_page() const;

  [[nodiscard]] bool stopping() const { return file_.stopping || dropped_; }
  [[nodiscard]] bool alone() const { return file_.connections <= 1; }
  /// Whether nothing but bytes that are compared can tell whether the source has what is here.
  [[nodiscard]] bool must_be_proven() const;
  [[nodiscard]] bool at_home() const { return index_ == file_.home; }
  /// Who hashes what this slice brings: its own, or the file's. Empty: nobody.
  [[nodiscard]] const std::shared_ptr<Hasher>& hasher() const { return pieces_ ? pieces_ : file_.hasher; }
  [[nodiscard]] std::span<std::byte> room();
  [[nodiscard]] std::string url() const;
  Source& source_() { return file_.sources[index_]; }

  Assembly& file_;
  const TaskContext& context_;
  const std::size_t index_;
  const std::span<std::byte> buffer_;
  const ByteRange gap_;
  std::uint64_t position_;
  std::uint64_t end_;
  bool dropped_ = false;
  std::string asked_url_;  ///< Of the last request: the source's, or what the host's provider made of it.
  std::uint64_t brought_ = 0;
  Clock::TimePoint began_{};
  Clock::TimePoint heard_{};        ///< When it last brought something.
  std::shared_ptr<Hasher> pieces_;  ///< Of those that this slice brings. Empty where there are no hashes of pieces.
  std::uint64_t times_wrong_ = 0;   ///< That had been found when it began to hash one.
  std::optional<BufferPool::Loan>
      another_{};            ///< A second buffer, where something is hashed and there is one to be had.
  bool other_turn_ = false;  ///< Which buffer, or which half of the only one, comes next.
};

}  // namespace bgxfer::inline v0::detail

#endif
