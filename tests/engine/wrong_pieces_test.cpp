// Who is asked for a piece that was wrong.
#include <array>
#include <string>

#include <doctest/doctest.h>

#include "engine/wrong_pieces.hpp"

using namespace bgxfer;
using detail::Call;
using detail::Standing;
using detail::WrongPieces;

namespace {

Error wrong(const std::string& what = "wrong") {
  return Error(Errc::checksum_mismatch, ErrorContext::remote_file, what);
}

constexpr std::array both{Standing::here, Standing::here};
constexpr std::array alone{Standing::here};

}  // namespace

TEST_CASE("whoever was not asked for it yet comes first, and nobody else") {
  WrongPieces pieces;
  pieces.came_wrong(3, 0, wrong());
  CHECK(pieces.call(3, 1, both) == Call::first);
  CHECK(pieces.call(3, 0, both) == Call::never);
  CHECK(pieces.call(3, 0, std::array{Standing::here, Standing::away}) == Call::first);
}

TEST_CASE("after everybody was asked, each is asked again in turn") {
  WrongPieces pieces;
  pieces.came_wrong(3, 0, wrong());
  pieces.is_asked(3, 1);
  pieces.came_wrong(3, 1, wrong());
  CHECK(pieces.call(3, 0, both) == Call::first);
  CHECK(pieces.call(3, 1, both) == Call::first);
  pieces.is_asked(3, 0);
  CHECK(pieces.call(3, 0, both) == Call::never);
}

TEST_CASE("one that did not answer holds up nobody: others come first, and it comes last") {
  WrongPieces pieces;
  pieces.came_wrong(3, 0, wrong());
  pieces.is_asked(3, 1);
  CHECK(pieces.call(3, 0, both) == Call::first);
  CHECK(pieces.call(3, 1, both) == Call::last);
}

TEST_CASE("one that had it wrong too often is not asked for it, and the others go on without it") {
  WrongPieces pieces;
  for (std::uint32_t i = 0; i < WrongPieces::tries_max; ++i) {
    CHECK(pieces.call(3, 1, both) != Call::last);
    pieces.is_asked(3, 0);
    pieces.came_wrong(3, 0, wrong());
  }
  CHECK(pieces.is_spent(3, 0));
  CHECK_FALSE(pieces.is_spent(3, 1));
  CHECK_FALSE(pieces.is_spent(4, 0));
  CHECK(pieces.call(3, 0, both) == Call::never);
  for (std::uint32_t i = 0; i < 2 * WrongPieces::tries_max; ++i) pieces.is_asked(3, 1);
  CHECK(pieces.call(3, 1, both) == Call::last);
}

TEST_CASE("a cache may keep what one had wrong, and what nobody alone had brought") {
  WrongPieces pieces;
  pieces.came_wrong(3, 0, wrong());
  CHECK(pieces.may_be_cached(3, 0));
  CHECK_FALSE(pieces.may_be_cached(3, 1));
  CHECK_FALSE(pieces.may_be_cached(4, 0));
  pieces.came_wrong(3, std::nullopt, wrong());
  CHECK(pieces.may_be_cached(3, 1));
}

TEST_CASE("a piece is right nowhere once everybody had it wrong too often or is gone; one that is away may have it") {
  WrongPieces pieces;
  for (std::uint32_t i = 1; i < WrongPieces::tries_max; ++i) pieces.came_wrong(3, 0, wrong());
  CHECK_FALSE(pieces.nowhere_right(alone));
  pieces.came_wrong(3, 0, wrong("the last word"));
  REQUIRE(pieces.nowhere_right(alone));
  CHECK(pieces.nowhere_right(alone)->detail() == "the last word");
  CHECK_FALSE(pieces.nowhere_right(both));
  CHECK_FALSE(pieces.nowhere_right(std::array{Standing::here, Standing::away}));
  CHECK(pieces.nowhere_right(std::array{Standing::here, Standing::gone}));
}

TEST_CASE("a piece that nobody alone had brought is right nowhere after as many tries as all of them have") {
  WrongPieces pieces;
  for (std::uint32_t i = 1; i < 2 * WrongPieces::tries_max; ++i) pieces.came_wrong(3, std::nullopt, wrong());
  CHECK_FALSE(pieces.nowhere_right(both));
  pieces.came_wrong(3, std::nullopt, wrong());
  CHECK(pieces.nowhere_right(both));
}

TEST_CASE("a piece that is right is forgotten") {
  WrongPieces pieces;
  pieces.came_wrong(3, 0, wrong());
  pieces.came_wrong(5, 0, wrong());
  CHECK(pieces.all() == std::vector<std::uint64_t>{3, 5});
  pieces.came_right(3);
  CHECK(pieces.all() == std::vector<std::uint64_t>{5});
  CHECK(pieces.call(3, 0, alone) == Call::never);
  pieces.is_asked(3, 0);
  CHECK(pieces.all() == std::vector<std::uint64_t>{5});
  pieces.came_right(5);
  CHECK(pieces.empty());
}
