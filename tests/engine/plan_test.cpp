#include "engine/plan.hpp"

#include <tuple>

#include <doctest/doctest.h>

using namespace bgxfer::detail;
using bgxfer::ByteRange;
using bgxfer::RangeSet;

namespace {

const std::vector<ByteRange> whole{ByteRange{0, 1000}};

InFlight busy(std::uint64_t begin, std::uint64_t end, double speed = 0) {
  return InFlight{ByteRange::between(begin, end), speed, false, 0};
}

std::optional<Share> share(const RangeSet& covered, const std::vector<InFlight>& in_flight, double speed = 0,
                           Cut cut = {}) {
  return next_share(whole, covered, in_flight, speed, cut);
}

}  // namespace

TEST_CASE("what nobody fetches comes first, at the first wish that has any of it") {
  RangeSet covered;
  covered.add({0, 100});
  const std::optional<Share> first = share(covered, {busy(100, 300)});
  REQUIRE(first);
  CHECK(first->local == ByteRange{300, 700});
  CHECK_FALSE(first->from);

  const std::vector<ByteRange> wishes{ByteRange{500, 10}, ByteRange{0, 1000}};
  CHECK(next_share(wishes, covered, {}, 0, {})->local == ByteRange{500, 10});
  covered.add({500, 10});
  CHECK(next_share(wishes, covered, {}, 0, {})->local == ByteRange{100, 400});
}

TEST_CASE("ranges are widened to whole units, whose last one may be short; what reaches past the end stays as it is") {
  const auto widened = [](std::vector<ByteRange> ranges) {
    RangeSet set;
    for (ByteRange range : ranges) set.add(range);
    return in_whole(set, 100, 950).ranges();
  };
  using Ranges = std::vector<ByteRange>;
  CHECK(widened({}) == Ranges{});
  // Inside one unit, all of it, and the first and the last byte of it.
  CHECK(widened({{210, 5}}) == Ranges{{200, 100}});
  CHECK(widened({{200, 100}}) == Ranges{{200, 100}});
  CHECK(widened({{200, 1}}) == Ranges{{200, 100}});
  CHECK(widened({{299, 1}}) == Ranges{{200, 100}});
  // Over several, and by one byte into the next.
  CHECK(widened({{250, 300}}) == Ranges{{200, 400}});
  CHECK(widened({{299, 2}}) == Ranges{{200, 200}});
  // In the short one at the end: in its middle, and up to the last byte.
  CHECK(widened({{910, 10}}) == Ranges{{900, 50}});
  CHECK(widened({{910, 40}}) == Ranges{{900, 50}});
  CHECK(widened({{890, 20}}) == Ranges{{800, 150}});
  // Past the end.
  CHECK(widened({{910, 45}}) == Ranges{{900, 55}});
  CHECK(widened({{910, 200}}) == Ranges{{900, 210}});
  CHECK(widened({{1010, 5}}) == Ranges{{1000, 15}});
  CHECK(widened({ByteRange{310}}) == Ranges{ByteRange{300}});
  // Two in one unit, or in neighbours, become one.
  CHECK(widened({{210, 5}, {250, 5}}) == Ranges{{200, 100}});
  CHECK(widened({{210, 5}, {310, 5}, {510, 5}}) == Ranges{{200, 200}, {500, 100}});
}

TEST_CASE("several connections that start at once share a gap in equal parts") {
  RangeSet covered;
  std::vector<InFlight> in_flight;
  for (std::size_t left = 4; left > 0; --left) {
    Cut cut;
    cut.connections = left;
    const std::optional<Share> part = share(covered, in_flight, 0, cut);
    REQUIRE(part);
    CHECK(part->local.length == 250);
    in_flight.push_back(InFlight{part->local, 0, false, 0});
  }
  CHECK(in_flight.back().rest.end() == 1000);
}

TEST_CASE("a newcomer takes the larger half of the rest that would take longest") {
  const std::optional<Share> half = share({}, {busy(0, 601), busy(601, 1000)});
  REQUIRE(half);
  CHECK(half->from == 0);
  CHECK(half->local == ByteRange::between(300, 601));

  // The smaller rest, but much slower.
  const std::optional<Share> slow = share({}, {busy(0, 900, 90), busy(900, 1000, 1)}, 9);
  REQUIRE(slow);
  CHECK(slow->from == 1);
}

TEST_CASE("a rest is divided so that both are done at the same time") {
  const std::optional<Share> part = share({}, {busy(0, 1000, 100)}, 300);
  REQUIRE(part);
  CHECK(part->local == ByteRange::between(250, 1000));
}

TEST_CASE("nobody is given less than the least, unless a slow one is relieved of all of it") {
  Cut cut;
  cut.bytes_min = 200;
  CHECK_FALSE(share({}, {busy(0, 1000, 10'000)}, 10'000, Cut{600, 1, 1}));
  // 390 bytes cannot be cut into two of 200; what is left takes longer than a newcomer needs for all of it.
  const std::optional<Share> relief = share(RangeSet({ByteRange{0, 610}}), {busy(610, 1000, 10)}, 100, cut);
  REQUIRE(relief);
  CHECK(relief->relieves);
  CHECK(relief->local == ByteRange::between(610, 1000));
  // Not by somebody who is no faster, and not twice.
  CHECK_FALSE(share(RangeSet({ByteRange{0, 610}}), {busy(610, 1000, 100)}, 100, cut));
  CHECK_FALSE(share(RangeSet({ByteRange{0, 610}}), {InFlight{ByteRange::between(610, 1000), 10, true, 0}}, 100, cut));
  // Nor for what is done in a moment.
  CHECK_FALSE(share(RangeSet({ByteRange{0, 610}}), {busy(610, 1000, 10'000)}, 1e9, cut));
}

TEST_CASE("a connection that has fallen silent is relieved, however fast it was") {
  Cut cut;
  cut.bytes_min = 200;
  const RangeSet covered({ByteRange{0, 900}});
  InFlight silent = busy(900, 1000, 10'000);
  CHECK_FALSE(share(covered, {silent}, 10'000, cut));
  silent.silent_seconds = 0.2;
  const std::optional<Share> relief = share(covered, {silent}, 10'000, cut);
  REQUIRE(relief);
  CHECK(relief->relieves);
}

TEST_CASE("pieces are not cut") {
  Cut cut;
  cut.align = cut.bytes_min = 100;
  const std::optional<Share> part = share(RangeSet({ByteRange{0, 30}}), {busy(30, 1000)}, 0, cut);
  REQUIRE(part);
  CHECK(part->local == ByteRange::between(500, 1000));
  cut.connections = 3;
  CHECK(share({}, {}, 0, cut)->local == ByteRange::between(0, 300));
}

TEST_CASE("a connection that must read to an end nobody knows keeps its rest") {
  CHECK_FALSE(next_share(std::vector<ByteRange>{ByteRange{}}, {}, std::vector<InFlight>{InFlight{}}, 0, {}));
}

TEST_CASE("what is compared is as much of one range as there is, late in what has arrived, and never a hole") {
  const auto compared = [](const Layout& layout, const RangeSet& arrived) {
    const Piece piece = to_compare(arrived, layout, std::nullopt, 100);
    return std::tuple(piece.local, piece.remote.offset, piece.remote.length);
  };
  RangeSet arrived;
  CHECK(to_compare(arrived, Layout(), std::nullopt, 100).remote.length == 0);
  arrived.add({0, 60});
  CHECK(compared(Layout(), arrived) == std::tuple(0, 0, 60));
  arrived.add({500, 300});
  CHECK(compared(Layout(), arrived) == std::tuple(700, 700, 100));
  RangeSet short_end = arrived;
  short_end.add({2000, 10});
  CHECK(compared(Layout(), short_end) == std::tuple(700, 700, 100));

  const Layout joined({{5000, 700}, {9000, 40}, {2000, 100}});
  CHECK(compared(joined, arrived) == std::tuple(740, 2000, 60));

  const Layout with_holes({{5000, 100}}, {300});
  RangeSet begun = with_holes.holes();
  begun.add({300, 20});
  CHECK(compared(with_holes, begun) == std::tuple(300, 5000, 20));
}
