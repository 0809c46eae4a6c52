#ifndef BGXFER_HTTP_GSS_CONTEXT_HPP
#define BGXFER_HTTP_GSS_CONTEXT_HPP

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <bgxfer/http_options.hpp>

namespace bgxfer::inline v0::http::detail {

/// What a step of a `GssContext` came to.
struct GssStep {
  std::string token{};  ///< What to send next. Empty: nothing more.
  std::string why{};    ///< Not empty: it failed, and why. For people, without secrets.
};

/// The client's side of one proof by GSSAPI: Negotiate (RFC 4559, with Kerberos and nothing else) or NTLM.
///
/// An entry with a user name proves that user by the password. One without proves the user of the default credential
/// cache, which is only looked at then. Rights are never delegated. The server's answer to a proof is not verified:
/// TLS tells who it is. Used by one thread at a time.
class GssContext {
 public:
  /// Longer tokens of a server are refused.
  static constexpr std::size_t token_bytes_max = 64 * 1024;

  /// `host` is the name of the server or of the proxy, which is known to GSSAPI as HTTP@host.
  GssContext(Credentials credentials, std::string host);
  ~GssContext();
  GssContext(const GssContext&) = delete;
  GssContext& operator=(const GssContext&) = delete;

  /// Takes in what the other side sent, at first nothing. May wait for the network: Kerberos asks its KDC.
  [[nodiscard]] GssStep step(std::string_view token);

 private:
  struct Parts;
  Credentials credentials_;
  std::string host_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
