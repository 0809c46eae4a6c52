#ifndef BGXFER_HTTP_CLIENT_IDENTITY_HPP
#define BGXFER_HTTP_CLIENT_IDENTITY_HPP

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <bgxfer/http_options.hpp>
#include <bgxfer/result.hpp>

struct ssl_st;
struct x509_st;
struct evp_pkey_st;

namespace bgxfer::inline v0::http::detail {

/// A certificate with its chain and its key, ready to be shown to a server. Read-only once made: any thread.
class ClientIdentity {
 public:
  /// A file with more bytes than this is no certificate.
  static constexpr std::size_t file_bytes_max = 1024 * 1024;

  /// Reads the files that `wish` names. The error is `client_certificate_unusable`, with the file and the reason.
  [[nodiscard]] static Result<ClientIdentity> read(const ClientCertificate& wish);
  /// The same from PEM text. `name` is for the detail of the error.
  [[nodiscard]] static Result<ClientIdentity> parse(std::string_view pem, std::string_view name);

  /// Shows it on this connection; false if OpenSSL refuses it.
  [[nodiscard]] bool use_on(ssl_st* ssl) const;

 private:
  struct FreeNative {
    void operator()(x509_st* certificate) const noexcept;
    void operator()(evp_pkey_st* key) const noexcept;
  };
  using Certificate = std::unique_ptr<x509_st, FreeNative>;
  using Key = std::unique_ptr<evp_pkey_st, FreeNative>;

  static Result<ClientIdentity> from_pem(std::string_view certificates, std::string_view key, std::string_view password,
                                         std::string_view name, std::string_view key_name);
  static Result<ClientIdentity> from_pkcs12(std::string_view bytes, const std::string& password, std::string_view name);

  Certificate certificate_;
  Key key_;
  std::vector<Certificate> chain_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
