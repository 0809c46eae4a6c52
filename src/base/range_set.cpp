#include <bgxfer/range_set.hpp>

#include <algorithm>
#include <cassert>

namespace bgxfer::inline v0 {

RangeSet::RangeSet(const std::vector<ByteRange>& ranges) {
  for (ByteRange range : ranges) add(range);
}

void RangeSet::add(ByteRange range) {
  if (range.empty()) return;
  std::uint64_t begin = range.offset;
  std::uint64_t end = range.end();

  // Swallow every run that overlaps or touches: start with the one that begins at or before us.
  auto run = runs_.upper_bound(begin);
  if (run != runs_.begin() && std::prev(run)->second >= begin) {
    --run;
    if (run->second >= end) return;
    // The common case, a file that grows at its end, costs no allocation.
    auto next = std::next(run);
    if (next == runs_.end() || next->first > end) {
      bytes_ += end - run->second;
      run->second = end;
      return;
    }
    begin = run->first;
  }
  while (run != runs_.end() && run->first <= end) {
    end = std::max(end, run->second);
    bytes_ -= run->second - run->first;
    run = runs_.erase(run);
  }
  runs_.emplace_hint(run, begin, end);
  bytes_ += end - begin;
}

void RangeSet::subtract(ByteRange range) {
  if (range.empty()) return;
  const std::uint64_t begin = range.offset;
  const std::uint64_t end = range.end();

  auto run = runs_.upper_bound(begin);
  if (run != runs_.begin() && std::prev(run)->second > begin) --run;
  while (run != runs_.end() && run->first < end) {
    const auto [run_begin, run_end] = *run;
    bytes_ -= run_end - run_begin;
    run = runs_.erase(run);
    if (run_begin < begin) {
      runs_.emplace_hint(run, run_begin, begin);
      bytes_ += begin - run_begin;
    }
    if (run_end > end) {
      run = runs_.emplace_hint(run, end, run_end);
      bytes_ += run_end - end;
      break;
    }
  }
}

void RangeSet::clear() noexcept {
  runs_.clear();
  bytes_ = 0;
}

bool RangeSet::contains(ByteRange range) const noexcept {
  if (range.empty()) return true;
  auto run = runs_.upper_bound(range.offset);
  return run != runs_.begin() && std::prev(run)->second >= range.end();
}

std::optional<ByteRange> RangeSet::first_gap(ByteRange within) const noexcept {
  if (within.empty()) return std::nullopt;
  std::uint64_t begin = within.offset;
  auto run = runs_.upper_bound(begin);
  if (run != runs_.begin()) begin = std::max(begin, std::prev(run)->second);
  if (begin >= within.end()) return std::nullopt;
  const std::uint64_t end = run == runs_.end() ? within.end() : std::min(within.end(), run->first);
  return ByteRange::between(begin, end);
}

std::vector<ByteRange> RangeSet::gaps(ByteRange within) const {
  std::vector<ByteRange> found;
  while (std::optional<ByteRange> gap = first_gap(within)) {
    found.push_back(*gap);
    within = ByteRange::between(gap->end(), within.end());
  }
  return found;
}

std::vector<ByteRange> RangeSet::ranges() const {
  std::vector<ByteRange> all;
  all.reserve(runs_.size());
  for (const auto& [begin, end] : runs_) all.push_back(ByteRange::between(begin, end));
  return all;
}

}  // namespace bgxfer::inline v0
