#ifndef BGXFER_HTTP_ADDRESS_HPP
#define BGXFER_HTTP_ADDRESS_HPP

#include <asio/ip/address.hpp>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0::http::detail {

/// Whether an address is one of the public Internet: not loopback, private, link-local, multicast, unspecified or
/// reserved (RFC 6890), nor an IPv6 form that carries such an IPv4 address. Judged on the address that is connected to,
/// never on a name (security.md, "Address filter").
[[nodiscard]] BGXFER_API bool is_public(const asio::ip::address& address) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
