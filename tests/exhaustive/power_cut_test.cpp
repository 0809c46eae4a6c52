#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "exhaustive/small_worlds.hpp"

using namespace bgxfer;
using test::Scenario;
using test::SmallWorld;

namespace {

/// Subsets that are tried where there are more changes than this: all with few survivors, all with few losses.
constexpr std::size_t changes_in_full_max = 8;

/// Every subset of `changes` things, or of many things those near the extremes.
std::vector<std::uint64_t> subsets(std::size_t changes) {
  std::vector<std::uint64_t> all;
  if (changes <= changes_in_full_max) {
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << changes; ++mask) all.push_back(mask);
    return all;
  }
  const std::size_t bits = std::min<std::size_t>(changes, 64);
  const std::uint64_t every = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < bits; ++i) {
    const std::uint64_t one = std::uint64_t{1} << i;
    all.insert(all.end(), {one, every ^ one, prefix});
    prefix |= one;
  }
  all.push_back(every);
  return all;
}

struct Figures {
  std::size_t worlds = 0;
  std::size_t points = 0;
  std::size_t in_full = 0;
};

/// Every point at which the power may go, and every subset of what was not synced then.
void cut_everywhere(const Scenario& scenario, Figures& figures) {
  for (std::uint64_t point = 1;; ++point) {
    std::size_t changes = 0;
    std::vector<std::uint64_t> masks{0};
    for (std::size_t next = 0; next < masks.size(); ++next) {
      SmallWorld world;
      world.disk->cut_power_at(point);
      world.start();
      scenario.play(world);
      if (!world.dead()) return;
      if (next == 0) {
        changes = world.disk->unsynced();
        masks = subsets(changes);
        ++figures.points;
        figures.in_full += changes <= changes_in_full_max;
      }
      const std::uint64_t mask = masks[next];
      CAPTURE(scenario.name);
      CAPTURE(point);
      CAPTURE(changes);
      CAPTURE(mask);
      world.disk->power_cut(mask);
      world.end_life();
      ++figures.worlds;
      std::string wrong = world.wrong_files();
      if (wrong.empty()) wrong = world.recover();
      REQUIRE(wrong == "");
    }
  }
}

}  // namespace

TEST_CASE("after a power cut at every operation, whatever survives of what was not synced, nothing is lost or wrong") {
  Figures figures;
  for (const Scenario& scenario : test::scenarios()) cut_everywhere(scenario, figures);
  CHECK(test::scenarios().size() >= 20);
  MESSAGE(test::scenarios().size() << " scenarios, " << figures.points << " operations at which the power went ("
                                   << figures.in_full << " with every subset), " << figures.worlds << " worlds");
}
