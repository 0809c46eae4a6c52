#ifndef BGXFER_HTTP_SOCKET_NETWORK_HPP
#define BGXFER_HTTP_SOCKET_NETWORK_HPP

#include <filesystem>
#include <memory>
#include <vector>

#include <asio/ip/tcp.hpp>

#include <bgxfer/network.hpp>

namespace bgxfer::inline v0::http::detail {

/// Addresses in the order in which they are tried: as the resolver sorted them, but the families take turns, so that
/// one broken family costs one delay and not one per address (RFC 8305 section 4).
[[nodiscard]] std::vector<asio::ip::tcp::endpoint> interleaved(const std::vector<asio::ip::tcp::endpoint>& endpoints);

/// How long the next address waits for the one before it to answer (RFC 8305 section 5).
inline constexpr std::chrono::milliseconds connect_attempt_delay{250};

/// `Network` on TCP sockets and OpenSSL. `ca_bundle`: see `TransportOptions`. Any number of callers on any executors.
///
/// The name is resolved once for each call and the addresses that came out of it are both judged and connected to:
/// there is no second resolution in between that could answer differently. A call that is cancelled ends at once; a
/// resolution that the system cannot abandon finishes unobserved.
[[nodiscard]] std::shared_ptr<Network> make_socket_network(const std::filesystem::path& ca_bundle);

}  // namespace bgxfer::inline v0::http::detail

#endif
