#ifndef BGXFER_HTTP_PROXY_HPP
#define BGXFER_HTTP_PROXY_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::http {

/// How to get to a server.
enum class ProxyKind : std::uint8_t {
  direct = 0,  ///< Without a proxy.
  http =
      1,  ///< http URLs are asked of the proxy itself, https URLs through a tunnel (CONNECT; RFC 9110 section 9.3.6).
  socks5 = 2,  ///< Everything through a tunnel (RFC 1928); the proxy resolves names.
};

/// One way to get to a server. A value.
struct Proxy {
  ProxyKind kind = ProxyKind::direct;
  std::string host{};  ///< A name, or an IP address without brackets.
  std::uint16_t port = 0;
  std::string user{};  ///< Of the proxy; empty: what the job's credentials say.
  std::string password{};

  friend bool operator==(const Proxy&, const Proxy&) = default;
};

/// Reads `[http://|socks5://|socks5h://][user:password@]server[:port]`. Ports default to 80 and 1080. The error is
/// `Errc::invalid_proxy`; its detail shows no password.
[[nodiscard]] BGXFER_API Result<Proxy> parse_proxy(std::string_view text);

/// Finds proxies for URLs: the general form of a proxy configuration, a script or a service of the system for example.
class BGXFER_API ProxyResolver {
 public:
  virtual ~ProxyResolver();
  /// The ways to a URL, the best first; the next is tried when a proxy cannot be reached. Empty: direct. The URL comes
  /// without its query. Called before every request to a host, by any number of coroutines; a resolver keeps what it
  /// wants to keep. A failure is the failure of the request.
  virtual asio::awaitable<Result<std::vector<Proxy>>> resolve(std::string url) = 0;
};

/// What the environment of a process says of proxies (variables as curl and others read them).
struct ProxyEnvironment {
  std::string http_proxy{};   ///< For http URLs. Read in lower case only: in CGI programs HTTP_PROXY is the client's.
  std::string https_proxy{};  ///< For https URLs.
  std::string all_proxy{};    ///< For URLs without a variable of their own.
  std::string no_proxy{};     ///< Names (and all below them), addresses, networks, `*`; separated by commas or spaces.

  /// Reads the variables through `get`, which answers null for one that is not set.
  [[nodiscard]] BGXFER_API static ProxyEnvironment read(const std::function<const char*(const char*)>& get);
  /// The proxy for a host. Loopback is always direct.
  [[nodiscard]] BGXFER_API Result<Proxy> proxy_for(bool secure, std::string_view host, std::uint16_t port) const;
};

}  // namespace bgxfer::inline v0::http

#endif
