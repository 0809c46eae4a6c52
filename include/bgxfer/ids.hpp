#ifndef BGXFER_IDS_HPP
#define BGXFER_IDS_HPP

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// Names a job for ever: 128 bits, printed as a UUID (RFC 9562). A value; any thread.
class BGXFER_API JobId {
 public:
  /// The nil id, which names no job.
  constexpr JobId() noexcept = default;
  constexpr explicit JobId(std::array<std::uint8_t, 16> bytes) noexcept : bytes_(bytes) {}

  /// A version 4 UUID of the given random bits.
  [[nodiscard]] static JobId from_random(std::uint64_t high, std::uint64_t low) noexcept;
  /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, hex digits of either case; empty if it is anything else.
  [[nodiscard]] static std::optional<JobId> parse(std::string_view text) noexcept;

  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(const JobId&, const JobId&) noexcept = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// Position of a file within its job, from 0, in the order in which files were added.
enum class FileIndex : std::uint32_t {};

}  // namespace bgxfer::inline v0

template <>
struct std::hash<bgxfer::JobId> {
  std::size_t operator()(const bgxfer::JobId& id) const noexcept {
    std::size_t value = 0;  // The bits are random already: any eight of them will do.
    for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | id.bytes()[i];
    return value;
  }
};

#endif
