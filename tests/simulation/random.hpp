#ifndef BGXFER_TESTS_SIMULATION_RANDOM_HPP
#define BGXFER_TESTS_SIMULATION_RANDOM_HPP

#include <cstdint>
#include <span>

#include "testing/random.hpp"

namespace bgxfer::simulation {

/// Bytes that decide, one for each decision, before seeds do: how a fuzzer writes the schedule. Empty for everybody
/// else.
inline std::span<const std::uint8_t> script;

/// The generator of a schedule and of its server.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : seeded_(seed) {}

  std::uint64_t next() noexcept {
    if (script.empty()) return seeded_.next();
    const std::uint64_t byte = script.front();
    script = script.subspan(1);
    return byte * 0x0101010101010101U;
  }
  std::uint64_t below(std::uint64_t count) noexcept { return count == 0 ? 0 : next() % count; }
  bool chance(double probability) noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  testing::detail::Random seeded_;
};

}  // namespace bgxfer::simulation

#endif
