#ifndef BGXFER_TESTS_SIMULATION_SWARM_HPP
#define BGXFER_TESTS_SIMULATION_SWARM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "testing/random.hpp"

namespace bgxfer::simulation {

using testing::detail::Random;

/// Everything that can be made to go wrong. Each seed switches on another subset.
enum class Fault : std::uint8_t {
  // The server.
  refuse,            ///< No connection, or none in time.
  server_error,      ///< 5xx.
  pacing,            ///< 429 or 503 with Retry-After.
  missing,           ///< 404: permanent.
  cut,               ///< The body breaks off.
  early_end,         ///< The body ends as if it were complete.
  stall,             ///< Nothing comes for half a minute, then an error.
  change,            ///< Another version of the resource, at any moment.
  no_validator,      ///< Resources without a strong validator.
  silent_validator,  ///< A 206 that does not repeat the validator.
  ignore_range,      ///< Everything instead of the range.
  ignore_condition,  ///< The range of another version, although If-Range was sent.
  wrong_range,       ///< Bytes from somewhere else.
  short_range,       ///< Fewer bytes than asked for.
  unsized,           ///< No size.
  undelimited,       ///< No size, and only the closed connection ends the body.
  // The disk.
  disk_open,
  disk_read,
  disk_write,
  disk_sync,
  disk_rename,
  disk_full,
  disk_plan,  ///< One operation fails, or all from one on, until the life ends.
  disk_slow,  ///< Operations take time.
  // The machine and the host.
  power,     ///< Power cuts, during recovery too.
  crash,     ///< The process dies.
  offline,   ///< The host says that the network is gone.
  rude,      ///< The queue is destroyed without a word.
  throwing,  ///< Callbacks throw.
  count
};

inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count);

inline constexpr std::array<std::string_view, fault_count> fault_names{"refuse",       "server_error",
                                                                       "pacing",       "missing",
                                                                       "cut",          "early_end",
                                                                       "stall",        "change",
                                                                       "no_validator", "silent_validator",
                                                                       "ignore_range", "ignore_condition",
                                                                       "wrong_range",  "short_range",
                                                                       "unsized",      "undelimited",
                                                                       "disk_open",    "disk_read",
                                                                       "disk_write",   "disk_sync",
                                                                       "disk_rename",  "disk_full",
                                                                       "disk_plan",    "disk_slow",
                                                                       "power",        "crash",
                                                                       "offline",      "rude",
                                                                       "throwing"};

/// Which faults a schedule knows.
class Swarm {
 public:
  Swarm() = default;
  explicit Swarm(Random& random) {
    // A few schedules with everything, a few with nothing, most with some.
    const double share = std::array<double, 5>{0.0, 0.15, 0.3, 0.5, 0.8}[random.below(5)];
    for (std::size_t i = 0; i < fault_count; ++i) {
      if (random.chance(share)) bits_ |= std::uint64_t{1} << i;
    }
  }

  [[nodiscard]] bool has(Fault fault) const { return (bits_ >> static_cast<unsigned>(fault) & 1) != 0; }
  [[nodiscard]] Swarm without(Fault fault) const {
    Swarm less = *this;
    less.bits_ &= ~(std::uint64_t{1} << static_cast<unsigned>(fault));
    return less;
  }
  [[nodiscard]] Swarm only(std::uint64_t mask) const {
    Swarm less = *this;
    less.bits_ &= mask;
    return less;
  }
  [[nodiscard]] bool disk_faults() const {
    for (Fault fault : {Fault::disk_open, Fault::disk_read, Fault::disk_write, Fault::disk_sync, Fault::disk_rename,
                        Fault::disk_full, Fault::disk_plan}) {
      if (has(fault)) return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t bits() const { return bits_; }

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace bgxfer::simulation

#endif
