#include "client_identity.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace bgxfer::inline v0::http::detail {

namespace {

Error unusable(std::string_view name, std::string_view why) {
  ERR_clear_error();
  return Error(Errc::client_certificate_unusable, ErrorContext::transport, std::string(name) + ": " + std::string(why));
}

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
std::unique_ptr<BIO, FreeBio> reading(std::string_view bytes) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// Gives the password instead of asking for it at the terminal, which is what OpenSSL does of its own accord.
int give_password(char* into, int room, int, void* password) {
  const auto& text = *static_cast<const std::string_view*>(password);
  const std::size_t count = std::min(text.size(), static_cast<std::size_t>(room));
  std::memcpy(into, text.data(), count);
  return static_cast<int>(count);
}

Result<std::string> file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return unusable(path.string(), "cannot be read");
  std::string bytes(ClientIdentity::file_bytes_max + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > ClientIdentity::file_bytes_max) return unusable(path.string(), "too large for a certificate");
  if (bytes.empty()) return unusable(path.string(), "is empty");
  return bytes;
}

}  // namespace

void ClientIdentity::FreeNative::operator()(x509_st* certificate) const noexcept { X509_free(certificate); }
void ClientIdentity::FreeNative::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

Result<ClientIdentity> ClientIdentity::read(const ClientCertificate& wish) {
  const Result<std::string> bytes = file_bytes(wish.file);
  if (!bytes) return bytes.error();
  const bool pem = bytes->find("-----BEGIN ") != std::string::npos;
  if (!pem) return from_pkcs12(*bytes, wish.password, wish.file.string());
  if (wish.key_file.empty()) {
    return from_pem(*bytes, *bytes, wish.password, wish.file.string(), wish.file.string());
  }
  const Result<std::string> key = file_bytes(wish.key_file);
  if (!key) return key.error();
  return from_pem(*bytes, *key, wish.password, wish.file.string(), wish.key_file.string());
}

Result<ClientIdentity> ClientIdentity::parse(std::string_view pem, std::string_view name) {
  if (pem.size() > file_bytes_max) return unusable(name, "too large for a certificate");
  return from_pem(pem, pem, {}, name, name);
}

Result<ClientIdentity> ClientIdentity::from_pem(std::string_view certificates, std::string_view key,
                                                std::string_view password, std::string_view name,
                                                std::string_view key_name) {
  ClientIdentity identity;
  const auto in = reading(certificates);
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, give_password, &password)) {
    if (identity.certificate_) {
      identity.chain_.emplace_back(next);
    } else {
      identity.certificate_.reset(next);
    }
  }
  ERR_clear_error();
  if (!identity.certificate_) return unusable(name, "there is no certificate in it");
  identity.key_.reset(PEM_read_bio_PrivateKey(reading(key).get(), nullptr, give_password, &password));
  if (!identity.key_) {
    const bool encrypted = key.find("ENCRYPTED") != std::string_view::npos;
    return unusable(key_name, encrypted ? "its key cannot be read; check the password" : "there is no key in it");
  }
  if (X509_check_private_key(identity.certificate_.get(), identity.key_.get()) != 1) {
    return unusable(key_name, "the key is not that of the certificate");
  }
  return identity;
}

Result<ClientIdentity> ClientIdentity::from_pkcs12(std::string_view bytes, const std::string& password,
                                                   std::string_view name) {
  struct FreePkcs12 {
    void operator()(PKCS12* p) const noexcept { PKCS12_free(p); }
  };
  const std::unique_ptr<PKCS12, FreePkcs12> archive(d2i_PKCS12_bio(reading(bytes).get(), nullptr));
  if (!archive) return unusable(name, "is neither PEM nor PKCS#12");
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* chain = nullptr;
  if (PKCS12_parse(archive.get(), password.c_str(), &key, &certificate, &chain) != 1) {
    const bool wrong = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE;
    return unusable(name, wrong ? "the password is wrong" : "cannot be opened; it may be of an outdated kind");
  }
  ClientIdentity identity;
  identity.key_.reset(key);
  identity.certificate_.reset(certificate);
  while (chain && sk_X509_num(chain) > 0) identity.chain_.emplace_back(sk_X509_shift(chain));
  sk_X509_free(chain);
  if (!identity.key_ || !identity.certificate_) return unusable(name, "has no certificate with a key");
  return identity;
}

bool ClientIdentity::use_on(ssl_st* ssl) const {
  bool used = SSL_use_certificate(ssl, certificate_.get()) == 1 && SSL_use_PrivateKey(ssl, key_.get()) == 1;
  for (const Certificate& link : chain_) used = used && SSL_add1_chain_cert(ssl, link.get()) == 1;
  if (!used) ERR_clear_error();
  return used;
}

}  // namespace bgxfer::inline v0::http::detail
