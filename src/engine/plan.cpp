#include "plan.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// The range with its end made definite where the resource's size is known.
ByteRange clipped(ByteRange range, std::optional<std::uint64_t> resource_size) {
  if (range.length != ByteRange::to_end || !resource_size) return range;
  return ByteRange::between(range.offset, *resource_size);
}

}  // namespace

std::optional<ByteRange> next_bytes(const RangeSet& arrived, ByteRange whole, const Wishes& wishes, bool only_wishes) {
  const auto missing = [&](ByteRange range, std::uint64_t from) {
    return arrived.first_gap(ByteRange::between(std::max(range.offset, from), std::min(range.end(), whole.end())));
  };
  const std::uint64_t starts[] = {wishes.position, 0};
  for (std::uint64_t from : starts) {
    for (ByteRange wish : wishes.ranges.ranges()) {
      if (std::optional<ByteRange> gap = missing(wish, from)) return gap;
    }
  }
  if (only_wishes) return std::nullopt;
  for (std::uint64_t from : starts) {
    if (std::optional<ByteRange> gap = missing(whole, from)) return gap;
  }
  return std::nullopt;
}

Layout::Layout(std::vector<ByteRange> ranges, std::vector<std::uint64_t> places)
    : ranges_(std::move(ranges)), places_(std::move(places)) {
  if (places_.empty()) return;
  std::vector<std::size_t> order(ranges_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) { return places_[a] < places_[b]; });
  std::vector<ByteRange> sorted;
  std::vector<std::uint64_t> sorted_places;
  std::uint64_t end = 0;
  for (std::size_t i : order) {
    sorted.push_back(ranges_[i]);
    sorted_places.push_back(places_[i]);
    if (end < places_[i]) holes_.add(ByteRange::between(end, places_[i]));
    end = ByteRange{places_[i], ranges_[i].length}.end();
  }
  ranges_ = std::move(sorted);
  places_ = std::move(sorted_places);
}

std::optional<std::uint64_t> Layout::size(std::optional<std::uint64_t> resource_size) const {
  if (whole()) return resource_size;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const std::uint64_t length = clipped(ranges_[i], resource_size).length;
    const std::uint64_t begin = places_.empty() ? end : places_[i];
    if (length == ByteRange::to_end || length > ByteRange::to_end - begin) return std::nullopt;
    end = begin + length;
  }
  return end;
}

bool Layout::fits(std::uint64_t resource_size) const {
  return std::all_of(ranges_.begin(), ranges_.end(), [&](ByteRange range) {
    return range.length == ByteRange::to_end ? range.offset <= resource_size : range.end() <= resource_size;
  });
}

bool Layout::begins_range(std::uint64_t local, std::optional<std::uint64_t> resource_size) const {
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (!places_.empty()) begin = places_[i];
    if (begin == local) return i > 0;
    begin = ByteRange{begin, clipped(ranges_[i], resource_size).length}.end();
  }
  return false;
}

Piece Layout::piece(ByteRange gap, std::optional<std::uint64_t> resource_size) const {
  if (whole()) return {gap, gap.offset};
  std::uint64_t begin = 0;  // of the range's bytes in the file
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const ByteRange part = clipped(ranges_[i], resource_size);
    if (!places_.empty()) begin = places_[i];
    if (gap.offset < begin) break;  // A hole.
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
    // Spec part 4.8: another date is another version, whatever the bytes that can be compared.
    if (known.modified && head.last_modified && *known.modified != *head.last_modified) return other_version;
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
