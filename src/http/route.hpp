#ifndef BGXFER_HTTP_ROUTE_HPP
#define BGXFER_HTTP_ROUTE_HPP

#include <compare>
#include <memory>
#include <string>

#include <bgxfer/http_options.hpp>

#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// A way to a server that connections may share: whom they speak to, through whom, and what was verified about both.
/// Connections of one route never serve another.
struct Route {
  Origin origin{};
  std::string way{};  ///< A digest of the proxy, its credentials and the TLS options; empty for the plain way.
  // Alive as long as a connection that they accepted is: another object at their address is another opinion.
  std::shared_ptr<ClientCertificateSource> source{};
  std::shared_ptr<CertificateValidator> validator{};

  friend bool operator==(const Route&, const Route&) = default;
  friend auto operator<=>(const Route&, const Route&) = default;
};

/// Spells settings out, each with its length, so that no two lists of settings read the same; keeps nothing but a
/// digest, since some of them are secret.
class WayDigest {
 public:
  void add(std::string_view part);
  void add(const TlsOptions& options);
  /// The digest of all that was added.
  [[nodiscard]] std::string finish() const;

 private:
  std::string text_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
