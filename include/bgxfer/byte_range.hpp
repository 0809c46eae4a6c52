#ifndef BGXFER_BYTE_RANGE_HPP
#define BGXFER_BYTE_RANGE_HPP

#include <cstdint>
#include <limits>

namespace bgxfer::inline v0 {

/// A run of bytes in a resource: `length` bytes starting at `offset`. A value; any thread.
struct ByteRange {
  /// Length of a range that runs to the end of a resource, whatever its size (BITS `BG_LENGTH_TO_EOF`).
  static constexpr std::uint64_t to_end = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t offset = 0;
  std::uint64_t length = to_end;

  /// One past the last byte; `to_end` if the range has no last byte or would run past 2^64 - 1.
  [[nodiscard]] constexpr std::uint64_t end() const noexcept {
    return length > to_end - offset ? to_end : offset + length;
  }

  /// True for a range without bytes.
  [[nodiscard]] constexpr bool empty() const noexcept { return length == 0; }

  /// The range from `offset` up to, not including, `end`. Empty if `end` is not after `offset`.
  [[nodiscard]] static constexpr ByteRange between(std::uint64_t offset, std::uint64_t end) noexcept {
    if (end <= offset) return {offset, 0};
    return {offset, end == to_end ? to_end : end - offset};
  }

  friend constexpr bool operator==(ByteRange, ByteRange) noexcept = default;
};

}  // namespace bgxfer::inline v0

#endif
