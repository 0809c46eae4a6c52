#ifndef BGXFER_COST_HPP
#define BGXFER_COST_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// What bytes cost on the network that is in use. Bits are those of BITS (spec part 9.5).
enum class CostState : std::uint32_t {
  unrestricted = 0x01,          ///< Unlimited, or of unknown cost. What a queue assumes until it is told.
  capped_usage_unknown = 0x02,  ///< A capped plan, of which nobody knows how much is used.
  below_cap = 0x04,             ///< A capped plan, less than 80% used.
  near_cap = 0x08,              ///< 80% to 100% used.
  overcap_charged = 0x10,       ///< Over the cap, and charged.
  overcap_throttled = 0x20,     ///< Over the cap, and slowed down.
  usage_based = 0x40,           ///< Paid by volume.
  roaming = 0x80,               ///< In somebody else's network.
};

/// What the host knows of the cost of its network: `TransferQueue::cost_changed`.
struct NetworkCost {
  CostState state = CostState::unrestricted;
  bool congested = false;  ///< The plan asks to keep traffic low just now.

  friend bool operator==(const NetworkCost&, const NetworkCost&) = default;
};

/// On which networks a job may run: a set of `CostState`. Named sets and bits are those of BITS (spec part 9.5); others
/// are made with `|`.
enum class TransferPolicy : std::uint32_t {
  ignore_congestion = 0x80000000,  ///< Only with states: run even while the network is congested.
  always = 0x800000ff,
  not_roaming = 0x8000007f,
  no_surcharge = 0x8000006f,
  standard = 0x80000067,
  unrestricted = 0x80000021,
};

[[nodiscard]] constexpr TransferPolicy operator|(TransferPolicy a, TransferPolicy b) noexcept {
  return static_cast<TransferPolicy>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr TransferPolicy operator|(TransferPolicy a, CostState b) noexcept {
  return static_cast<TransferPolicy>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr TransferPolicy operator|(CostState a, CostState b) noexcept {
  return static_cast<TransferPolicy>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// Whether a job of this policy may run on a network of this cost.
[[nodiscard]] constexpr bool allows(TransferPolicy policy, NetworkCost cost) noexcept {
  const auto bits = static_cast<std::uint32_t>(policy);
  const bool bears_congestion = (bits & static_cast<std::uint32_t>(TransferPolicy::ignore_congestion)) != 0;
  return (bits & static_cast<std::uint32_t>(cost.state)) != 0 && (!cost.congested || bears_congestion);
}

/// The names of the enumerators, as in `near_cap`; a policy without one is "custom".
[[nodiscard]] BGXFER_API std::string_view to_string(CostState state) noexcept;
[[nodiscard]] BGXFER_API std::string_view to_string(TransferPolicy policy) noexcept;
/// The named policy of that name; empty if there is none.
[[nodiscard]] BGXFER_API std::optional<TransferPolicy> parse_transfer_policy(std::string_view name) noexcept;

}  // namespace bgxfer::inline v0

#endif
