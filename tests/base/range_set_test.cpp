#include <bgxfer/range_set.hpp>

#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using bgxfer::ByteRange;
using bgxfer::RangeSet;

TEST_CASE("a range set merges ranges that overlap or touch") {
  RangeSet set;
  set.add({10, 5});
  set.add({20, 5});
  CHECK(set.count() == 2);
  set.add({15, 5});
  CHECK(set.ranges() == std::vector<ByteRange>{{10, 15}});
  CHECK(set.bytes() == 15);
  set.add({0, 100});
  CHECK(set.ranges() == std::vector<ByteRange>{{0, 100}});
}

TEST_CASE("an empty range changes nothing") {
  RangeSet set;
  set.add({5, 0});
  CHECK(set.empty());
  set.add({0, 10});
  set.subtract({5, 0});
  CHECK(set.bytes() == 10);
}

TEST_CASE("subtracting splits a range") {
  RangeSet set;
  set.add({0, 100});
  set.subtract({40, 20});
  CHECK(set.ranges() == std::vector<ByteRange>{{0, 40}, {60, 40}});
  set.subtract({0, 1000});
  CHECK(set.empty());
  CHECK(set.bytes() == 0);
}

TEST_CASE("the first gap is searched from a position and ends at the next range or at the window") {
  RangeSet set({{10, 10}, {30, 10}});
  CHECK(set.first_gap({0, 50}) == ByteRange{0, 10});
  CHECK(set.first_gap({10, 40}) == ByteRange{20, 10});
  CHECK(set.first_gap({25, 40}) == ByteRange{25, 5});
  CHECK(set.first_gap({30, 10}) == std::nullopt);
  CHECK(set.first_gap({35, ByteRange::to_end}) == ByteRange{40, ByteRange::to_end});
  CHECK(set.gaps({0, 50}) == std::vector<ByteRange>{{0, 10}, {20, 10}, {40, 10}});
}

TEST_CASE("ranges reach up to the end of the number line without overflow") {
  RangeSet set;
  set.add({ByteRange::to_end - 10, ByteRange::to_end});
  CHECK(set.bytes() == 10);
  CHECK(set.contains({ByteRange::to_end - 10, 10}));
  set.add({0, ByteRange::to_end});
  CHECK(set.count() == 1);
  CHECK(set.first_gap({0, ByteRange::to_end}) == std::nullopt);
}

TEST_CASE("a range set agrees with a bitmap under random changes") {
  constexpr std::uint64_t size = 200;
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::vector<bool> bits(size);
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t offset = random() % size;
      const std::uint64_t length = random() % (size - offset + 1);
      const bool adding = random() % 3 != 0;
      if (adding)
        set.add({offset, length});
      else
        set.subtract({offset, length});
      for (std::uint64_t i = offset; i < offset + length; ++i) bits[i] = adding;

      RangeSet expected;
      for (std::uint64_t i = 0; i < size; ++i)
        if (bits[i]) expected.add({i, 1});
      REQUIRE(set == expected);
      std::uint64_t count = 0;
      for (std::uint64_t i = 0; i < size; ++i) {
        count += bits[i];
        REQUIRE(set.contains({i, 1}) == bits[i]);
      }
      REQUIRE(set.bytes() == count);
      std::uint64_t gap_bytes = 0;
      for (ByteRange gap : set.gaps({0, size})) gap_bytes += gap.length;
      REQUIRE(gap_bytes == size - count);
    }
  }
}

TEST_CASE("a file in a million scattered pieces stays fast") {
  constexpr std::uint64_t pieces = 1'000'000;
  RangeSet set;
  // An odd multiplier visits every slot once, in a scattered order.
  for (std::uint64_t i = 0; i < pieces; ++i) set.add({(i * 700'001 % pieces) * 10, 5});
  CHECK(set.count() == pieces);
  CHECK(set.bytes() == 5 * pieces);
  CHECK(set.first_gap({0, 10 * pieces}) == ByteRange{5, 5});
  for (std::uint64_t i = 0; i < pieces; ++i) set.add({(i * 700'001 % pieces) * 10 + 5, 5});
  CHECK(set.ranges() == std::vector<ByteRange>{{0, 10 * pieces}});
}
