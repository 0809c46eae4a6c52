#ifndef BGXFER_TESTING_RANDOM_HPP
#define BGXFER_TESTING_RANDOM_HPP

#include <cstdint>

namespace bgxfer::inline v0::testing::detail {

/// A small generator (splitmix64): one seed, one sequence, on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// From 0 to `count` - 1; 0 if there is nothing to choose from. The slight bias does not matter to a test.
  std::uint64_t below(std::uint64_t count) noexcept { return count == 0 ? 0 : next() % count; }

  /// True with this probability.
  bool chance(double probability) noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  std::uint64_t state_;
};

}  // namespace bgxfer::inline v0::testing::detail

#endif
