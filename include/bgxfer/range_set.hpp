#ifndef BGXFER_RANGE_SET_HPP
#define BGXFER_RANGE_SET_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// A set of bytes, kept as sorted ranges that neither overlap nor touch.
///
/// `add`, `subtract` and the searches cost O(log n) in the number of ranges (plus one step for each
/// range that a change swallows), so a file in a million pieces stays fast. A value: copies are
/// independent; const members may be called from any thread, the others need exclusive access.
class BGXFER_API RangeSet {
 public:
  RangeSet() = default;
  /// The union of `ranges`, in any order, overlaps allowed.
  explicit RangeSet(const std::vector<ByteRange>& ranges);

  /// Adds the bytes of `range`; bytes already present change nothing.
  void add(ByteRange range);
  /// Removes the bytes of `range`; bytes not present change nothing.
  void subtract(ByteRange range);
  void clear() noexcept;

  /// True if every byte of `range` is present; true for an empty range.
  [[nodiscard]] bool contains(ByteRange range) const noexcept;
  /// The first run of bytes inside `within` that is not in the set; empty if there is none.
  [[nodiscard]] std::optional<ByteRange> first_gap(ByteRange within) const noexcept;
  /// All runs inside `within` that are not in the set, in order.
  [[nodiscard]] std::vector<ByteRange> gaps(ByteRange within) const;

  /// The ranges, sorted by offset, merged.
  [[nodiscard]] std::vector<ByteRange> ranges() const;
  /// How many separate ranges there are.
  [[nodiscard]] std::size_t count() const noexcept { return runs_.size(); }
  /// How many bytes the set holds.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }

  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  std::map<std::uint64_t, std::uint64_t> runs_;  // offset of a run to its end
  std::uint64_t bytes_ = 0;
};

}  // namespace bgxfer::inline v0

#endif
