#ifndef BGXFER_SRC_JOURNAL_CRC32C_HPP
#define BGXFER_SRC_JOURNAL_CRC32C_HPP

#include <cstddef>
#include <cstdint>
#include <span>

namespace bgxfer::inline v0::detail {

/// The CRC-32C (Castagnoli, RFC 3720 appendix B.4) of what was summed up in `before`, followed by `bytes`.
/// Uses the processor's instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

/// The same, without the instruction. For processors that lack it, and for the test that compares the two.
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

}  // namespace bgxfer::inline v0::detail

#endif
