#ifndef BGXFER_SRC_ENGINE_BUSY_RANGES_HPP
#define BGXFER_SRC_ENGINE_BUSY_RANGES_HPP

#include <algorithm>
#include <list>
#include <optional>

#include <bgxfer/range_set.hpp>

namespace bgxfer::inline v0::detail {

/// Ranges that somebody is at work on, few at a time. However the work ends, by an exception too, its range is free
/// again.
class BusyRanges {
 public:
  /// Lives as long as the work; the ranges outlive it.
  class Mark {
   public:
    Mark(BusyRanges& home, ByteRange range) : home_(home), place_(home.ranges_.insert(home.ranges_.end(), range)) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { home_.ranges_.erase(place_); }

   private:
    BusyRanges& home_;
    const std::list<ByteRange>::iterator place_;
  };

  /// The first run in `range` that nobody is at work on.
  [[nodiscard]] std::optional<ByteRange> first_free(ByteRange range) const {
    for (;;) {
      const auto in_the_way = std::find_if(ranges_.begin(), ranges_.end(), [&](ByteRange busy) {
        return busy.offset <= range.offset && range.offset < busy.end();
      });
      if (in_the_way == ranges_.end()) break;
      if (in_the_way->end() >= range.end()) return std::nullopt;
      range = ByteRange::between(in_the_way->end(), range.end());
    }
    if (range.empty()) return std::nullopt;
    std::uint64_t end = range.end();
    for (ByteRange busy : ranges_) {
      if (busy.offset > range.offset) end = std::min(end, busy.offset);
    }
    return ByteRange::between(range.offset, end);
  }

 private:
  std::list<ByteRange> ranges_;
};

}  // namespace bgxfer::inline v0::detail

#endif
