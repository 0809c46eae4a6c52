#ifndef BGXFER_SRC_BASE_RANDOM_HPP
#define BGXFER_SRC_BASE_RANDOM_HPP

#include <cstdint>

namespace bgxfer::inline v0::detail {

/// A stream of pseudo-random bits that its two seeds fix. Not for keys. Not thread-safe.
/// Two SplitMix64 sequences (Steele, Lea and Flood 2014), so that 128 bits of seed are not wasted.
class Random {
 public:
  constexpr Random(std::uint64_t seed, std::uint64_t more_seed) noexcept : state_(seed), more_(more_seed) {}

  constexpr std::uint64_t next() noexcept { return mix(state_ += golden) ^ mix(more_ += golden + 2); }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

  static constexpr std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
  std::uint64_t more_;
};

}  // namespace bgxfer::inline v0::detail

#endif
