#ifndef BGXFER_HTTP_CONTENT_RANGE_HPP
#define BGXFER_HTTP_CONTENT_RANGE_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include <bgxfer/byte_range.hpp>

namespace bgxfer::inline v0::http::detail {

/// What a Content-Range field says (RFC 9110 section 14.4).
struct ContentRange {
  std::optional<ByteRange> range{};              ///< Empty in an answer that could not be satisfied ("*/N").
  std::optional<std::uint64_t> resource_size{};  ///< Empty if the server does not know ("/*").

  friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

/// Reads `bytes 0-9/10`, `bytes 0-9/*` and `bytes */10`; also with an equals sign or spaces, as some servers write it.
/// Lenient in spelling, strict in meaning: empty if the numbers contradict each other.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
