#ifndef BGXFER_HTTP_BODY_HPP
#define BGXFER_HTTP_BODY_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <bgxfer/result.hpp>

#include "head.hpp"

namespace bgxfer::inline v0::http::detail {

/// How the end of a body is known (RFC 9112 section 6.3).
struct Framing {
  enum class Kind {
    none,      ///< No body at all.
    length,    ///< `length` bytes.
    chunked,   ///< Until the last chunk.
    to_close,  ///< Until the connection ends, which proves nothing.
  };
  Kind kind = Kind::none;
  std::uint64_t length = 0;

  friend bool operator==(const Framing&, const Framing&) = default;
};

/// Decides from the head alone, or refuses with `invalid_response`: Content-Length together with Transfer-Encoding,
/// lengths that differ or are no plain numbers, and codings other than `chunked` could each hide a second response.
[[nodiscard]] BGXFER_API Result<Framing> framing_of(const Head& head, std::string_view method);

/// Finds the payload in a chunked body (RFC 9112 section 7.1), any number of bytes at a time. Copies nothing.
///
/// Extensions and trailers are read and dropped; the size line and the trailers are limited in length. Every byte that
/// is neither payload nor exact framing is an error: a chunk that ends in anything but CRLF is how a cut body looks
/// whole.
class ChunkedParser {
 public:
  static constexpr std::size_t size_line_bytes_max = 1024;
  static constexpr std::size_t size_digits_max = 16;
  static constexpr std::size_t trailer_bytes_max = 8 * 1024;

  /// Takes framing bytes off the front of `input` and returns how many, stopping where payload begins or the body ends.
  [[nodiscard]] Result<std::size_t> skip_framing(std::span<const std::byte> input);

  /// Payload bytes that come next, before the next framing byte. 0: feed `skip_framing`, or the body is `done`.
  [[nodiscard]] std::uint64_t payload() const noexcept { return state_ == State::payload ? remaining_ : 0; }
  /// Says that `count` payload bytes, at most `payload()`, have been taken.
  void take(std::uint64_t count) noexcept;
  /// True behind the empty line that ends the trailers.
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State { size, extension, size_end, payload, payload_return, payload_feed, trailer, trailer_feed, done };

  State state_ = State::size;
  std::uint64_t remaining_ = 0;
  std::size_t size_digits_ = 0;
  std::size_t line_bytes_ = 0;     // Of the line that is being read.
  std::size_t trailer_bytes_ = 0;  // Of all trailers.
};

}  // namespace bgxfer::inline v0::http::detail

#endif
