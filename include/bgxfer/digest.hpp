#ifndef BGXFER_DIGEST_HPP
#define BGXFER_DIGEST_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// A SHA-256 value (FIPS 180-4).
struct Sha256 {
  std::array<std::byte, 32> bytes{};

  /// Reads 64 hex digits of either case; empty if it is anything else.
  [[nodiscard]] BGXFER_API static std::optional<Sha256> parse(std::string_view hex) noexcept;
  [[nodiscard]] BGXFER_API std::string to_string() const;

  friend bool operator==(const Sha256&, const Sha256&) noexcept = default;
};

/// The SHA-256 of each piece of a file: pieces of `bytes` bytes, the last one as long as is left. They let a wrong
/// piece be told apart from the rest, and fetched again alone.
struct PieceHashes {
  std::uint64_t bytes = 0;       ///< Of a piece; 16 KiB to 1 GiB.
  std::vector<Sha256> sha256{};  ///< One for each piece, in order. Empty: no pieces are known.

  friend bool operator==(const PieceHashes&, const PieceHashes&) = default;
};

/// A SHA-256 under construction. Used by one thread at a time.
class BGXFER_API Sha256Stream {
 public:
  virtual ~Sha256Stream();
  virtual void update(std::span<const std::byte> bytes) = 0;
  /// The value of all bytes so far. Called once, last.
  [[nodiscard]] virtual Sha256 finish() = 0;
};

/// Starts a new SHA-256. The core has none of its own; `bgxfer/openssl/sha256.hpp` has a ready one.
using Sha256Factory = std::function<std::unique_ptr<Sha256Stream>()>;

}  // namespace bgxfer::inline v0

#endif
