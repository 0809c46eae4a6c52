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

std::vector<ByteRange> in_order(ByteRange whole, const Wishes& wishes, bool only_wishes) {
  std::vector<ByteRange> order;
  const auto add = [&](ByteRange range, std::uint64_t from) {
    const ByteRange part = ByteRange::between(std::max(range.offset, from), std::min(range.end(), whole.end()));
    if (!part.empty()) order.push_back(part);
  };
  const std::vector<ByteRange> wished = wishes.ranges.ranges();
  if (wishes.position > 0) {
    for (ByteRange wish : wished) add(wish, wishes.position);
  }
  for (ByteRange wish : wished) add(wish, 0);
  if (only_wishes) return order;
  if (wishes.position > 0) add(whole, wishes.position);
  add(whole, 0);
  return order;
}

RangeSet in_whole(const RangeSet& ranges, std::uint64_t unit, std::uint64_t size) {
  RangeSet units;
  for (ByteRange range : ranges.ranges()) {
    const std::uint64_t begin = range.offset - range.offset % unit;
    const std::uint64_t over = range.end() % unit;
    const std::uint64_t end =
        over == 0 || range.end() >= size ? range.end() : std::min(size, range.end() - over + unit);
    units.add(ByteRange::between(begin, end));
  }
  return units;
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
    if (known.trusted) return as_asked ? Verdict::use : Verdict::skip;
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

Piece to_compare(const RangeSet& arrived, const Layout& layout, std::optional<std::uint64_t> resource_size,
                 std::uint64_t wanted) {
  RangeSet here = arrived;
  for (ByteRange hole : layout.holes().ranges()) here.subtract(hole);
  const std::vector<ByteRange> runs = here.ranges();
  Piece longest{ByteRange{0, 0}, 0};
  for (auto run = runs.rbegin(); run != runs.rend() && longest.remote.length < wanted; ++run) {
    std::uint64_t at = run->end() - std::min(wanted, run->length);
    while (at < run->end()) {
      const Piece piece = layout.piece(ByteRange::between(at, run->end()), resource_size);
      if (piece.remote.length == 0) break;
      if (piece.remote.length > longest.remote.length) longest = piece;
      at += piece.remote.length;
    }
  }
  return longest;
}

namespace {

/// How long a rest takes, in seconds, if nobody helps.
double seconds_left(const InFlight& it, double fallback_speed) {
  const double speed = it.bytes_per_second > 0 ? it.bytes_per_second : fallback_speed;
  const double at_that_speed = static_cast<double>(it.rest.length) / (speed > 0 ? speed : 1);
  // One that is silent goes on being silent for as long again, as far as anybody knows.
  return std::max(at_that_speed, it.silent_seconds);
}

/// A newcomer takes over where it would be done in less than this part of the time that is left otherwise.
constexpr double relief_gain = 0.5;

/// What it costs to ask, at least: nobody is relieved for less.
constexpr double relief_seconds_min = 0.05;

std::uint64_t aligned_down(std::uint64_t offset, std::uint64_t align) { return offset - offset % align; }

/// Divides the rest of a connection between it and a newcomer, who takes the end of it.
std::optional<Share> divide(const InFlight& slow, std::size_t index, double newcomer, Cut cut) {
  const ByteRange rest = slow.rest;
  const double theirs = slow.bytes_per_second;
  const bool comparable = theirs > 0 && newcomer > 0;
  const double kept_part = comparable ? theirs / (theirs + newcomer) : 0.5;
  const auto kept = static_cast<std::uint64_t>(static_cast<double>(rest.length) * kept_part);
  // Rounded down, so that the newcomer takes the larger half.
  const std::uint64_t at = aligned_down(rest.offset + kept, cut.align);
  const bool both_have_enough =
      at >= rest.offset + cut.bytes_min && rest.end() - at >= cut.bytes_min && at > rest.offset;
  if (both_have_enough) return Share{ByteRange::between(at, rest.end()), index, false};

  const double left = seconds_left(slow, newcomer);
  const double needed = newcomer > 0 ? static_cast<double>(rest.length) / newcomer : left;
  if (!comparable && theirs > 0) return std::nullopt;
  if (needed > left * relief_gain || left < relief_seconds_min) return std::nullopt;
  return Share{rest, index, true};
}

}  // namespace

std::optional<Share> next_share(std::span<const ByteRange> wishes, const RangeSet& covered,
                                std::span<const InFlight> in_flight, double bytes_per_second, Cut cut) {
  RangeSet taken = covered;
  for (const InFlight& it : in_flight) taken.add(it.rest);
  for (ByteRange wish : wishes) {
    const std::optional<ByteRange> gap = taken.first_gap(wish);
    if (!gap) continue;
    if (gap->length == ByteRange::to_end || cut.connections < 2) return Share{*gap, std::nullopt, false};
    const std::uint64_t equal = std::max(gap->length / cut.connections, cut.bytes_min);
    const std::uint64_t end = gap->offset + std::min(equal, gap->length);
    const std::uint64_t at = end == gap->end() ? end : std::max(aligned_down(end, cut.align), gap->offset);
    const bool cut_here = at > gap->offset && gap->end() - at >= cut.bytes_min;
    return Share{cut_here ? ByteRange::between(gap->offset, at) : *gap, std::nullopt, false};
  }

  std::optional<std::size_t> slowest;
  for (std::size_t i = 0; i < in_flight.size(); ++i) {
    const InFlight& it = in_flight[i];
    if (it.relieved || it.rest.length == 0 || it.rest.length == ByteRange::to_end) continue;
    if (!slowest || seconds_left(it, bytes_per_second) > seconds_left(in_flight[*slowest], bytes_per_second))
      slowest = i;
  }
  if (!slowest) return std::nullopt;
  return divide(in_flight[*slowest], *slowest, bytes_per_second, cut);
}

}  // namespace bgxfer::inline v0::detail
