#ifndef BGXFER_PEER_CACHING_HPP
#define BGXFER_PEER_CACHING_HPP

#include <cstdint>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// What a job allows between it and other machines nearby (spec part 3.13; the numbers are those of BITS). A set: join
/// them with `|`. The peer cache itself comes later: until then the flags are kept, and no transfer goes by them.
/// Values are part of the journal format.
enum class PeerCaching : std::uint8_t {
  none = 0,
  client = 1,           ///< Its files may come from peers.
  server = 2,           ///< Its files may be kept, and served to peers.
  no_branch_cache = 4,  ///< No other cache of the operating system's is to be used.
};

/// Every bit that means something.
inline constexpr PeerCaching all_peer_caching = static_cast<PeerCaching>(7);

[[nodiscard]] constexpr PeerCaching operator|(PeerCaching a, PeerCaching b) noexcept {
  return static_cast<PeerCaching>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr PeerCaching operator&(PeerCaching a, PeerCaching b) noexcept {
  return static_cast<PeerCaching>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
/// Whether `flags` has any of `wanted`.
[[nodiscard]] constexpr bool has(PeerCaching flags, PeerCaching wanted) noexcept {
  return (flags & wanted) != PeerCaching::none;
}

}  // namespace bgxfer::inline v0

#endif
