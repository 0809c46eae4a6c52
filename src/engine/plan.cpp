#include "plan.hpp"

#include <algorithm>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// The range with its end made definite where the resource's size is known.
ByteRange clipped(ByteRange range, std::optional<std::uint64_t> resource_size) {
  if (range.length != ByteRange::to_end || !resource_size) return range;
  return ByteRange::between(range.offset, *resource_size);
}

}  // namespace

std::optional<std::uint64_t> Layout::size(std::optional<std::uint64_t> resource_size) const {
  if (whole()) return resource_size;
  std::uint64_t sum = 0;
  for (ByteRange range : ranges_) {
    const std::uint64_t length = clipped(range, resource_size).length;
    if (length == ByteRange::to_end || length > ByteRange::to_end - sum) return std::nullopt;
    sum += length;
  }
  return sum;
}

bool Layout::fits(std::uint64_t resource_size) const {
  return std::all_of(ranges_.begin(), ranges_.end(), [&](ByteRange range) {
    return range.length == ByteRange::to_end ? range.offset <= resource_size : range.end() <= resource_size;
  });
}

bool Layout::begins_range(std::uint64_t local, std::optional<std::uint64_t> resource_size) const {
  std::uint64_t begin = 0;
  for (ByteRange range : ranges_) {
    if (begin == local) return begin > 0;
    begin = ByteRange{begin, clipped(range, resource_size).length}.end();
  }
  return false;
}

Piece Layout::piece(ByteRange gap, std::optional<std::uint64_t> resource_size) const {
  if (whole()) return {gap, gap.offset};
  std::uint64_t begin = 0;  // of the range's bytes in the file
  for (ByteRange range : ranges_) {
    const ByteRange part = clipped(range, resource_size);
    const ByteRange local{begin, part.length};
    if (gap.offset < local.end()) {
      const std::uint64_t into = gap.offset - begin;
      const std::uint64_t end = std::min(gap.end(), local.end());
      const std::uint64_t length = end == ByteRange::to_end ? ByteRange::to_end : end - gap.offset;
      return {ByteRange{part.offset + into, length}, gap.offset};
    }
    begin = local.end();
  }
  return {ByteRange{0, 0}, gap.offset};
}

Verdict judge(const Known& known, const Asked& asked, const ResponseHead& head) {
  const bool from_start = head.granted.offset == 0;
  const bool as_asked = head.granted.offset == asked.remote.offset;
  if (!as_asked && !from_start) return Verdict::refuse;
  if (!known.arrived) return as_asked ? Verdict::use : Verdict::skip;

  const Verdict other_version = from_start ? Verdict::restart : Verdict::restart_and_ask;
  if (known.resource_size && head.resource_size && *known.resource_size != *head.resource_size) return other_version;

  if (known.validator.empty()) {
    // Only bytes that are on disk already and arrive again can prove anything.
    return as_asked && asked.overlap > 0 ? Verdict::compare : other_version;
  }
  // A 206 to a conditional request says that the condition held, even if it does not repeat the validator.
  const bool vouched = as_asked && asked.conditional && asked.remote.offset > 0 && head.validator.empty();
  if (head.validator != known.validator && !vouched && !BGXFER_MUTANT(4)) return other_version;
  if (as_asked) return Verdict::use;
  return asked.conditional ? Verdict::ask_plainly : Verdict::skip;
}

std::uint64_t overlap_before(const RangeSet& arrived, const Layout& layout, Piece piece, std::uint64_t wanted) {
  std::uint64_t overlap = std::min({wanted, piece.local, piece.remote.offset});
  while (overlap > 0) {
    const ByteRange before{piece.local - overlap, overlap};
    const Piece same = layout.piece(before, std::nullopt);
    const bool contiguous = same.remote.offset + overlap == piece.remote.offset && same.remote.length == overlap;
    if (contiguous && arrived.contains(before)) return overlap;
    overlap /= 2;
  }
  return 0;
}

}  // namespace bgxfer::inline v0::detail
