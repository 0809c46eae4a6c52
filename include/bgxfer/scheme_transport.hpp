#ifndef BGXFER_SCHEME_TRANSPORT_HPP
#define BGXFER_SCHEME_TRANSPORT_HPP

#include <memory>
#include <string>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0 {

/// Who fetches the URLs of one scheme.
struct SchemeRoute {
  std::string scheme{};                    ///< As in a URL, without "://": "https". Case does not matter.
  std::shared_ptr<Transport> transport{};  ///< May serve several schemes.
};

/// One transport for URLs of several schemes, so that one queue, and even one job, fetches them all:
///
///     make_scheme_transport({{"file", files}, {"http", http}, {"https", http}})
///
/// It chooses by what stands before the first ":" and keeps the contract of `Transport` as far as those it chooses
/// from do. A URL of any other scheme is `Errc::invalid_url`, and the error names the schemes that there are. A
/// redirect is followed by the transport that met it, and so never leads to another one.
///
/// Throws `std::invalid_argument` if there is no route, a scheme is none (RFC 3986 section 3.1) or comes twice, or a
/// transport is missing.
[[nodiscard]] BGXFER_API std::shared_ptr<Transport> make_scheme_transport(std::vector<SchemeRoute> routes);

}  // namespace bgxfer::inline v0

#endif
