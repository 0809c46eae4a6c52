#ifndef BGXFER_HTTP_HTTP_TRANSPORT_HPP
#define BGXFER_HTTP_HTTP_TRANSPORT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <bgxfer/clock.hpp>
#include <bgxfer/config.hpp>
#include <bgxfer/http/proxy.hpp>
#include <bgxfer/network.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0::http {

/// How the native transport behaves. A value; the defaults are what a launcher wants (docs/http.md).
struct TransportOptions {
  /// How hosts are reached. Empty: TCP sockets, IPv4 and IPv6 (RFC 8305), and OpenSSL. Tests put scripted servers here.
  std::shared_ptr<Network> network{};
  /// Time for every timeout below but `connect_timeout`, which a network measures itself. Empty: the steady clock.
  std::shared_ptr<Clock> clock{};

  /// Connections to one origin (scheme, host, port) at the same time, for jobs that reach it in the same way (proxy,
  /// TLS options, client certificate, ticket); those of a proxy for plain http together. Further requests wait, first
  /// come, first served.
  std::size_t connections_per_host_max = 6;
  /// Connections kept for later, over all hosts. Beyond it the one idle for longest is closed.
  std::size_t idle_connections_max = 64;

  // Times: from 1 ms to 139 years; what is outside is taken as the next of the two, so `milliseconds::max()` is
  // "never".

  /// For resolving the name, connecting and the TLS handshake together. Ends with `Errc::connect_timeout`.
  std::chrono::milliseconds connect_timeout{30'000};
  /// From the last byte of the request to the last of the response's head. Ends with `Errc::response_timeout`.
  std::chrono::milliseconds first_byte_timeout{60'000};
  /// How long one read or write may wait for the peer. Time in which nobody asks for bytes does not
  /// count, so a download may be paused at will. Ends with `Errc::stalled`.
  std::chrono::milliseconds stall_timeout{60'000};
  /// A body that brings fewer than `slow_bytes_per_second` on average, over `slow_after` spent waiting for it, is given
  /// up with `Errc::stalled`: what has arrived is kept, and the rest asked for on another connection. Time in which
  /// nobody asks for bytes does not count, so a limit of the queue's own is never the cause. 0: any trickle will do.
  std::uint64_t slow_bytes_per_second = 1;
  std::chrono::milliseconds slow_after{600'000};
  /// How long a connection waits for the next request to its origin while other transfers run.
  std::chrono::milliseconds idle_connection_timeout{30'000};
  /// How long idle connections are kept after the last transfer of all has ended. While there is one, a timer is
  /// pending: this is the longest time for which a transport without work keeps `io_context::run` from returning.
  std::chrono::milliseconds quiet_connection_timeout{1'000};

  /// Status line and fields of a response together; beyond it `Errc::response_too_large`.
  std::size_t response_head_bytes_max = 64 * 1024;
  /// Fields in a response, with the same error.
  std::size_t response_fields_max = 100;

  /// A PEM file of certificate authorities to trust in place of the system's. Empty: the system's trust store. Used by
  /// the built-in network only. Certificates are always verified; what a job accepts beyond that is in its
  /// `TlsOptions`.
  std::filesystem::path ca_bundle{};
  /// How proxies are found for jobs with `ProxyUsage::preconfigured` and `autodetect`. Empty: what the environment of
  /// the process says (http_proxy, https_proxy, all_proxy, no_proxy), read once, when the transport is made.
  std::shared_ptr<ProxyResolver> proxies{};
  bool environment_proxies = true;  ///< False: the variables are not read; `environment` is taken as it is.
  ProxyEnvironment environment{};

  /// The User-Agent field, unless a request brings its own. Empty: the field is left out.
  std::string user_agent = "bgxfer";
};

/// HTTP/1.1 (RFC 9110, RFC 9112) over TCP and TLS 1.2 or later.
///
/// What it sends: the method of the request, `Range` for one range, `If-Range` where the request has a validator,
/// `Accept-Encoding: identity`; never HEAD of its own accord, never several ranges. Headers that
/// frame, route or negotiate (Host, Content-Length, Range, Connection, ...) are refused from callers with
/// `Errc::invalid_argument`.
///
/// What it accepts: 200 and 206 for a GET, any 2xx for other methods; every other status is `http_status(n)`, with
/// `Error::retry_after` where the server gave a time and `Error::resource_size` for 416. A body with a Content-Encoding
/// is `Errc::encoded_body`. Responses whose length two readers could understand in two ways are
/// `Errc::invalid_response`. Whether a granted range is the one that was wanted is for the caller to judge.
///
/// Redirects follow `Request::redirects`. Never to another scheme than http and https, not from https to http unless
/// allowed, and not from a public address to a private one. Once the origin changes all headers of the request but
/// Accept, Accept-Language and User-Agent stay behind, and so do credentials for servers and client certificates.
///
/// Credentials answer to challenges of the origin of the request's URL: Basic, Digest (nonces are used again), and
/// Bearer without being asked; a refusal is `http_status(401)`, or 407 for proxies, with the reason in the detail.
/// Negotiate and NTLM where it was built with GSSAPI; its calls may wait for a KDC, so they have a thread of their own
/// from the first.
///
/// Proxies: plain http is asked of an HTTP proxy itself, https goes through a tunnel (CONNECT), and SOCKS5 tunnels
/// both. Names are resolved by the proxy. What a proxy learns of a request's secrets over plain http is all of them: it
/// is part of the way there.
///
/// Connections are kept and used again. One that turns out dead before any byte of a response is replaced
/// without an error; requests with a body always get a fresh one, since their body cannot be had twice.
///
/// Threads: every member from any thread. Coroutines may run on different executors, even of different `io_context`s;
/// an idle connection belongs to none of them. A download is used and destroyed on the executor that it was opened on,
/// which exists until then. The transport has no thread of its own; Asio resolves names on one that it starts for each
/// `io_context`. Downloads keep what they need alive, so the transport may go before them.
///
/// Signals: SIGPIPE is never raised.
[[nodiscard]] BGXFER_API std::shared_ptr<Transport> make_transport(TransportOptions options = {});

}  // namespace bgxfer::inline v0::http

#endif
