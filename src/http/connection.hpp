#ifndef BGXFER_HTTP_CONNECTION_HPP
#define BGXFER_HTTP_CONNECTION_HPP

#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <bgxfer/network.hpp>

#include "watchdog.hpp"

namespace bgxfer::inline v0::http::detail {

/// A stream and what has been read from it too early: bytes behind a head, or between two chunks. Used by one coroutine
/// at a time.
class Connection {
 public:
  /// Room for a usual head with a small body behind it, so that a small file costs one read.
  static constexpr std::size_t buffer_bytes = 16 * 1024;

  explicit Connection(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  [[nodiscard]] ByteStream& stream() noexcept { return *stream_; }

  /// Who watches the stream for its next user, who is on `executor`. The one of the last user if it is the same: a
  /// coroutine for each of many small files would cost more than reading them.
  [[nodiscard]] Watchdog& watchdog(const asio::any_io_executor& executor, const std::shared_ptr<Clock>& clock,
                                   Clock::Duration tick) {
    if (!watchdog_ || !watchdog_->watches_on(executor)) watchdog_.emplace(executor, clock, tick, *stream_);
    return *watchdog_;
  }

  [[nodiscard]] std::span<const std::byte> buffered() const noexcept {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  void consume(std::size_t count) noexcept {
    assert(count <= end_ - begin_);
    begin_ += count;
  }

  /// Where the next bytes may be read to. Nothing is buffered when it is asked for.
  [[nodiscard]] std::span<std::byte> room() noexcept {
    assert(begin_ == end_);
    begin_ = end_ = 0;
    return buffer_;
  }
  void filled(std::size_t count) noexcept { end_ = count; }

  /// True if the next request may use it: nothing is left over, and nothing has come unasked.
  [[nodiscard]] bool reusable() noexcept {
    return begin_ == end_ && !(watchdog_ && watchdog_->barked()) && stream_->reusable();
  }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::optional<Watchdog> watchdog_;  // After the stream, which it refers to.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<std::byte, buffer_bytes> buffer_;  // Left uninitialised: it is written before it is read.
};

}  // namespace bgxfer::inline v0::http::detail

#endif
