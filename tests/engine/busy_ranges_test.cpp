// Which bytes somebody is writing.
#include "engine/busy_ranges.hpp"

#include <doctest/doctest.h>

using bgxfer::ByteRange;
using bgxfer::detail::BusyRanges;

TEST_CASE("what somebody is at work on is not free, and what lies between is") {
  BusyRanges busy;
  CHECK(busy.first_free({0, 100}) == ByteRange{0, 100});
  CHECK_FALSE(busy.first_free({7, 0}));
  const BusyRanges::Mark first(busy, {0, 10});
  const BusyRanges::Mark third(busy, {30, 10});
  const BusyRanges::Mark second(busy, {10, 5});
  CHECK(busy.first_free({0, 100}) == ByteRange{15, 15});
  CHECK(busy.first_free({20, 100}) == ByteRange{20, 10});
  CHECK(busy.first_free({35, 100}) == ByteRange{40, 95});
  CHECK(busy.first_free({60, ByteRange::to_end}) == ByteRange{60, ByteRange::to_end});
  CHECK_FALSE(busy.first_free({0, 15}));
  CHECK_FALSE(busy.first_free({2, 3}));
}

TEST_CASE("work that ends with an exception leaves nothing behind") {
  BusyRanges busy;
  try {
    const BusyRanges::Mark mark(busy, {0, 10});
    throw 1;
  } catch (int) {
  }
  CHECK(busy.first_free({0, 10}) == ByteRange{0, 10});
}
