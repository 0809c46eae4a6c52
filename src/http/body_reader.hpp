#ifndef BGXFER_HTTP_BODY_READER_HPP
#define BGXFER_HTTP_BODY_READER_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/result.hpp>

#include "body.hpp"

namespace bgxfer::inline v0::http::detail {

/// Follows one body to its end. Does no I/O: it says where the next bytes should go, and is told what came.
///
/// Payload that has an announced length is meant to be read straight into the caller's buffer; only framing, and
/// payload that came in the same read as framing, passes through the connection's.
class BGXFER_API BodyReader {
 public:
  struct Step {
    std::size_t consumed = 0;   ///< Bytes taken from the buffer.
    std::size_t delivered = 0;  ///< Payload bytes written to the caller.
  };

  /// `length_max`: how many bytes the head announced, by whatever field; never more are delivered.
  BodyReader(Framing framing, std::uint64_t length_max) noexcept;

  /// True once the body is complete as far as its framing can tell.
  [[nodiscard]] bool done() const noexcept { return done_; }
  /// True if the body was longer than announced: the connection is of no further use.
  [[nodiscard]] bool overlong() const noexcept { return overlong_; }

  /// True once `take` has met damage that it has not told yet, since payload came before it.
  [[nodiscard]] bool damaged() const noexcept { return failure_.has_value(); }

  /// Moves payload from `buffered` to the front of `into`. Asked while not `done`.
  [[nodiscard]] Result<Step> take(std::span<const std::byte> buffered, std::span<std::byte> into);

  /// How many of `wanted` bytes may be read from the stream straight to the caller; 0: read into a buffer and `take`.
  [[nodiscard]] std::size_t direct(std::size_t wanted) const noexcept;
  /// Says that `count` bytes have been read that way.
  void delivered(std::size_t count) noexcept;

  /// The stream has ended. Success if the body may end like that; else `body_truncated`.
  [[nodiscard]] Result<void> stream_ended();

 private:
  Framing::Kind kind_;
  std::uint64_t remaining_;  // Of what may be delivered; `ByteRange::to_end` if that is unknown.
  ChunkedParser chunked_;
  bool exact_;  // The end must come when `remaining_` is 0 and not before.
  bool done_ = false;
  bool overlong_ = false;
  std::optional<Error> failure_{};
};

}  // namespace bgxfer::inline v0::http::detail

#endif
