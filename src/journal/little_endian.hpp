#ifndef BGXFER_SRC_JOURNAL_LITTLE_ENDIAN_HPP
#define BGXFER_SRC_JOURNAL_LITTLE_ENDIAN_HPP

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bgxfer::inline v0::detail {

/// Writes `value` to the first bytes of `into`, lowest first.
template <std::unsigned_integral Value>
void store_le(std::span<std::byte> into, Value value) {
  assert(into.size() >= sizeof value);
  for (std::size_t i = 0; i < sizeof value; ++i) into[i] = static_cast<std::byte>(value >> (8 * i));
}

/// Reads what `store_le` wrote.
template <std::unsigned_integral Value>
[[nodiscard]] Value load_le(std::span<const std::byte> from) {
  assert(from.size() >= sizeof(Value));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Value); ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return static_cast<Value>(value);
}

}  // namespace bgxfer::inline v0::detail

#endif
