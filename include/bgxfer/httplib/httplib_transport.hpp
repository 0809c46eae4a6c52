#ifndef BGXFER_HTTPLIB_HTTPLIB_TRANSPORT_HPP
#define BGXFER_HTTPLIB_HTTPLIB_TRANSPORT_HPP

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <bgxfer/config.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0::httplib {

/// How the transport through cpp-httplib behaves. A value. Where a field has the name of one in
/// `http::TransportOptions`, it has its default too; times are real time, for a blocking socket knows no other.
struct TransportOptions {
  /// Transfers at the same time, over all hosts, and so the number of threads at most. A transfer counts from `open`
  /// until its body has been read or its download destroyed. Further ones wait, first come, first served. At least 1.
  std::size_t transfers_max = 16;

  // Times: from 1 ms to 24 days; what is outside is taken as the next of the two.

  /// For each address of the host, and once more for the TLS handshake. Ends with `Errc::connect_timeout`, or
  /// `Errc::tls_failed` in the handshake. Looking up the name has no limit but the resolver's own.
  std::chrono::milliseconds connect_timeout{30'000};
  /// From the last byte of the request to the last of the response's head. Ends with `Errc::response_timeout`.
  std::chrono::milliseconds first_byte_timeout{60'000};
  /// How long one read or write may wait for the peer. Time in which nobody asks for bytes does not count. Ends with
  /// `Errc::stalled`.
  std::chrono::milliseconds stall_timeout{60'000};

  /// Status line and fields of a response together; beyond it `Errc::response_too_large`.
  std::size_t response_head_bytes_max = 64 * 1024;
  /// Fields in a response, with the same error.
  std::size_t response_fields_max = 100;

  /// A PEM file of certificate authorities to trust in place of the system's. Empty: the system's trust store.
  /// Certificates are always verified; there is no switch against it.
  std::filesystem::path ca_bundle{};
  /// The User-Agent field, unless a request brings its own. Empty: cpp-httplib's own, which cannot be left out.
  std::string user_agent = "bgxfer";
};

/// HTTP/1.1 and TLS 1.2 or later by cpp-httplib 0.11 to 0.15: the second transport, for hosts that have that library
/// anyway, and the proof that one which blocks fits through the door.
///
/// It keeps the contract of `Transport`, judges responses and follows redirects exactly as `http::make_transport` does
/// (the same headers are refused, the same statuses are errors, headers stay with the origin in the same way), and
/// verifies certificates by the same rules. cpp-httplib looks up the name, connects, sends the request and delivers the
/// body. It reads through a filter that has checked the response's framing first, because on its own it takes some cut
/// chunked bodies for whole, decodes the percent signs of field values, and reads lines of any length.
///
/// What it cannot do, compared with the native transport:
/// - One thread for each transfer, asleep most of the time, and every byte copied three times more. Use it for a few
///   transfers at once, not for thousands.
/// - Every request has a new connection, and over TLS a full handshake: none is kept, no session is resumed.
/// - The addresses of a host are tried one after the other, without a head start for the quicker family (RFC 8305).
/// - After a redirect, a private address that the trail began outside of gets no request, but it has seen a connection
///   by the time it is refused with `Errc::blocked_address`.
/// - A connection that cannot be made to any address is `host_unreachable`, whatever the reason was: cpp-httplib does
///   not say.
/// - No proxies, credentials and TLS options of jobs: a job that has any is refused with `Errc::invalid_argument`. The
///   environment's proxies (http_proxy and the like) are not used: every host is reached directly.
/// - No request bodies: a request with one is refused with `Errc::invalid_argument`.
/// - No `Network` and no `Clock` of the host's: real sockets and real time.
/// - Looking up a name cannot be interrupted. A cancelled `open` resolves at once all the same, but its thread is
///   free only when the resolver has given up.
/// - cpp-httplib waits with `select`: in a process with 1024 descriptors open, connections fail.
///
/// Threads: every member from any thread; a download as `Download` says. The transport starts its threads when they are
/// first needed, with all signals blocked, and ends them when it and the last of its downloads are gone. That moment
/// waits for them: no longer than a look-up of a name and a connect that are under way.
///
/// Signals: SIGPIPE is never raised.
[[nodiscard]] BGXFER_API std::shared_ptr<Transport> make_transport(TransportOptions options = {});

}  // namespace bgxfer::inline v0::httplib

#endif
