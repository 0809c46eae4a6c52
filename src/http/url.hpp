#ifndef BGXFER_HTTP_URL_HPP
#define BGXFER_HTTP_URL_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::http::detail {

/// Whom a URL speaks to. Credentials, connections and permissions belong to an origin, never to a
/// host name alone (RFC 6454; security.md part 4).
struct Origin {
  bool secure = false;     ///< https.
  std::string host{};      ///< Lower case, no trailing dot, IPv6 without brackets.
  std::uint16_t port = 0;  ///< Never 0 in an origin that came out of a URL.

  /// "host", or "host:port" where the port is not the scheme's own: the Host header field.
  [[nodiscard]] std::string authority() const;

  friend bool operator==(const Origin&, const Origin&) = default;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

/// An absolute http or https URL that has been checked and taken apart. A value.
struct Url {
  Origin origin{};
  std::string path{};   ///< Begins with '/'; percent-encoding as it was written.
  std::string query{};  ///< Begins with '?', or is empty.

  /// What the request line asks for.
  [[nodiscard]] std::string target() const { return path + query; }
  /// The whole URL, normalised: host in lower case, no default port, no fragment.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Url&, const Url&) = default;
};

/// The longest URL that is looked at.
inline constexpr std::size_t url_bytes_max = 8 * 1024;

/// Reads an absolute URL by the letter of RFC 3986, which is the point: two parsers that forgive in different
/// ways are how requests get to hosts that nobody checked. Refused are user information, anything but printable ASCII,
/// spaces, backslashes, broken or host-name percent-encoding, empty hosts, odd spellings of IPv4 addresses, and port 0.
/// A fragment is allowed and dropped. The error is `invalid_url` (or `string_too_long`), its detail says why.
[[nodiscard]] BGXFER_API Result<Url> parse_url(std::string_view text);

/// Where `location`, a URL reference out of a Location field, leads from `base` (RFC 3986 section 5.2).
/// Lenient where servers are known to be careless: bytes that a path or query must encode are encoded here.
[[nodiscard]] Result<Url> resolve(const Url& base, std::string_view location);

}  // namespace bgxfer::inline v0::http::detail

#endif
