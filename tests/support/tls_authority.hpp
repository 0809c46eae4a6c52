#ifndef BGXFER_TESTS_TLS_AUTHORITY_HPP
#define BGXFER_TESTS_TLS_AUTHORITY_HPP

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace http_test {

struct FreeTls {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeTls>;
using Certificate = std::unique_ptr<X509, FreeTls>;
using ServerTls = std::unique_ptr<SSL_CTX, FreeTls>;

/// What a certificate says. The defaults are those of a good one for the loopback server.
struct CertificateWish {
  std::string names = "IP:127.0.0.1,DNS:localhost";  ///< subjectAltName; empty: none.
  std::string common_name = "bgxfer test";
  std::string usage = "serverAuth";
  long valid_from_seconds = -3600;
  long valid_until_seconds = 3600;
  bool self_signed = false;
};

/// A certificate authority of its own, made when it is needed; its certificate lies in a file until it dies.
class TlsAuthority {
 public:
  TlsAuthority() : key_(EVP_EC_gen("P-256")) {
    CertificateWish wish;
    wish.common_name = "bgxfer test authority";
    certificate_ = make(key_.get(), wish, true, nullptr, key_.get());
    file_ = std::filesystem::temp_directory_path() / ("bgxfer-ca-" + std::to_string(::getpid()) + "-" +
                                                      std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".pem");
    std::FILE* out = std::fopen(file_.c_str(), "w");
    if (!out) throw std::runtime_error("no temporary file");
    PEM_write_X509(out, certificate_.get());
    std::fclose(out);
  }
  ~TlsAuthority() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  TlsAuthority(const TlsAuthority&) = delete;
  TlsAuthority& operator=(const TlsAuthority&) = delete;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  /// The serial number of the certificate that was made last.
  [[nodiscard]] static long last_serial() { return serial_ - 1; }

  /// A revocation list of this authority, signed now, as PEM.
  void write_revocations(const std::filesystem::path& path, const std::vector<long>& serials,
                         long valid_until_seconds = 3600) const {
    struct FreeList {
      void operator()(X509_CRL* list) const { X509_CRL_free(list); }
    };
    const std::unique_ptr<X509_CRL, FreeList> list(X509_CRL_new());
    X509_CRL_set_version(list.get(), 1);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
    ASN1_TIME* time = X509_gmtime_adj(nullptr, -3600);
    X509_CRL_set1_lastUpdate(list.get(), time);
    X509_gmtime_adj(time, valid_until_seconds);
    X509_CRL_set1_nextUpdate(list.get(), time);
    X509_gmtime_adj(time, -3600);
    for (long serial : serials) {
      X509_REVOKED* entry = X509_REVOKED_new();
      ASN1_INTEGER* number = ASN1_INTEGER_new();
      ASN1_INTEGER_set(number, serial);
      X509_REVOKED_set_serialNumber(entry, number);
      X509_REVOKED_set_revocationDate(entry, time);
      ASN1_INTEGER_free(number);
      X509_CRL_add0_revoked(list.get(), entry);
    }
    ASN1_TIME_free(time);
    X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
    std::FILE* out = std::fopen(path.c_str(), "w");
    PEM_write_X509_CRL(out, list.get());
    std::fclose(out);
  }

  /// A client's certificate with its key in `path`: as PKCS#12, or as PEM with the key behind a password or not.
  void write_client(const std::filesystem::path& path, bool pkcs12, const std::string& password) const {
    CertificateWish wish;
    wish.usage = "clientAuth";
    wish.common_name = "bgxfer test client";
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = make(key.get(), wish, false, certificate_.get(), key_.get());
    std::FILE* out = std::fopen(path.c_str(), "w");
    if (pkcs12) {
      PKCS12* archive = PKCS12_create(password.c_str(), "client", key.get(), certificate.get(), nullptr, 0, 0, 0, 0, 0);
      i2d_PKCS12_fp(out, archive);
      PKCS12_free(archive);
    } else {
      PEM_write_X509(out, certificate.get());
      auto* secret = const_cast<char*>(password.c_str());
      PEM_write_PrivateKey(out, key.get(), password.empty() ? nullptr : EVP_aes_256_cbc(), nullptr, 0, nullptr,
                           password.empty() ? nullptr : secret);
    }
    std::fclose(out);
  }

  /// The settings of a server with such a certificate.
  [[nodiscard]] ServerTls server(const CertificateWish& wish = {}) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = wish.self_signed ? make(key.get(), wish, false, nullptr, key.get())
                                                     : make(key.get(), wish, false, certificate_.get(), key_.get());
    ServerTls context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    static const unsigned char session_context[] = "bgxfer";
    SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context);
    return context;
  }

 private:
  static void add(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    if (!extension) throw std::runtime_error("bad extension " + value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static Certificate make(EVP_PKEY* key, const CertificateWish& wish, bool authority, X509* issuer,
                          EVP_PKEY* issuer_key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial_++);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.valid_from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.valid_until_seconds);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer) : name);
    add(certificate.get(), issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!authority) {
      if (!wish.names.empty()) add(certificate.get(), issuer, NID_subject_alt_name, wish.names);
      add(certificate.get(), issuer, NID_ext_key_usage, wish.usage);
    }
    X509_sign(certificate.get(), issuer_key, EVP_sha256());
    return certificate;
  }

  static inline long serial_ = 1;

  Key key_;
  Certificate certificate_;
  std::filesystem::path file_;
};

}  // namespace http_test

#endif
