#include "address.hpp"

#include <cstdint>

namespace bgxfer::inline v0::http::detail {

namespace {

struct Ipv4Block {
  std::uint32_t network;
  int prefix;
};

constexpr Ipv4Block ipv4_not_public[] = {
    {0x00000000, 8},   // this network
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared by carriers
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local, metadata services
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, broadcast
};

bool is_public_ipv4(std::uint32_t address) noexcept {
  for (const Ipv4Block& block : ipv4_not_public) {
    if ((address ^ block.network) >> (32 - block.prefix) == 0) return false;
  }
  return true;
}

bool is_public_ipv6(const asio::ip::address_v6::bytes_type& bytes) noexcept {
  const auto ipv4_at = [&bytes](std::size_t i) {
    return std::uint32_t{bytes[i]} << 24 | std::uint32_t{bytes[i + 1]} << 16 | std::uint32_t{bytes[i + 2]} << 8 |
           std::uint32_t{bytes[i + 3]};
  };
  const unsigned first = bytes[0] * 256u + bytes[1];
  const unsigned second = bytes[2] * 256u + bytes[3];
  // Addresses that carry an IPv4 address are judged by it: 6to4, and the NAT64 prefix 64:ff9b::/96.
  if (first == 0x2002) return is_public_ipv4(ipv4_at(2));
  if (first == 0x0064 && second == 0xff9b) {
    for (std::size_t i = 4; i < 12; ++i) {
      if (bytes[i] != 0) return false;  // 64:ff9b:1::/48 is for local use.
    }
    return is_public_ipv4(ipv4_at(12));
  }
  if (first == 0x2001 && second == 0x0000) return false;  // Teredo: the embedded address is obfuscated.
  if (first == 0x2001 && second == 0x0db8) return false;  // Documentation.
  // Of the rest only 2000::/3 is global unicast: loopback, mapped, unique local, link-local, multicast lie outside.
  return (first & 0xe000) == 0x2000;
}

}  // namespace

bool is_public(const asio::ip::address& address) noexcept {
  if (address.is_v4()) return is_public_ipv4(address.to_v4().to_uint());
  const asio::ip::address_v6 ipv6 = address.to_v6();
  if (ipv6.is_v4_mapped()) return is_public_ipv4(asio::ip::make_address_v4(asio::ip::v4_mapped, ipv6).to_uint());
  return is_public_ipv6(ipv6.to_bytes());
}

}  // namespace bgxfer::inline v0::http::detail
