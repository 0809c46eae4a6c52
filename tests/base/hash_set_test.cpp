#include "base/hash_set.hpp"

#include <random>
#include <unordered_set>

#include <doctest/doctest.h>

using bgxfer::detail::HashSet;

TEST_CASE("hash set: knows what is in it, as std::unordered_set does") {
  std::mt19937_64 random(7);
  HashSet set;
  std::unordered_set<std::uint64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    // Neighbours, which get into each other's way, and then others.
    const std::uint64_t hash = i < 10'000 ? 2 + random() % 5'000 : 2 + random() / 4;
    set.reserve(set.size() + 1);
    CHECK(set.insert(hash) == model.insert(hash).second);
    CHECK(set.size() == model.size());
  }
  for (std::uint64_t hash : model) CHECK_FALSE(set.insert(hash));
}

TEST_CASE("hash set: what was inserted last is taken out again, and nothing else") {
  HashSet set;
  set.reserve(12);
  const std::uint64_t before[] = {3, 19, 35};  // One place for all, and for those that follow.
  const std::uint64_t after[] = {51, 4, 67, 20};
  for (std::uint64_t hash : before) REQUIRE(set.insert(hash));
  for (std::uint64_t hash : after) REQUIRE(set.insert(hash));
  for (std::size_t i = std::size(after); i > 0; --i) set.undo(after[i - 1]);
  CHECK(set.size() == std::size(before));
  for (std::uint64_t hash : before) CHECK_FALSE(set.insert(hash));
  for (std::uint64_t hash : after) CHECK(set.insert(hash));
}

TEST_CASE("hash set: zero is a hash like others, and counts as one") {
  HashSet set;
  set.reserve(2);
  CHECK(set.insert(0));
  CHECK_FALSE(set.insert(0));
  CHECK_FALSE(set.insert(1));
  set.undo(0);
  CHECK(set.size() == 0);
  CHECK(set.insert(1));
}
