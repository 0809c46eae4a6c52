#include "route.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace bgxfer::inline v0::http::detail {

void WayDigest::add(std::string_view part) {
  text_ += std::to_string(part.size());
  text_ += ':';
  text_ += part;
}

void WayDigest::add(const TlsOptions& options) {
  std::string flags;
  for (bool flag : {options.ignore_unknown_authority, options.ignore_expired, options.ignore_wrong_host,
                    options.ignore_wrong_usage, options.check_revocation}) {
    flags += flag ? '1' : '0';
  }
  add(flags);
  add(options.revocation_lists.native());
  add(options.extra_authorities.native());
  for (const Sha256& pin : options.pins) add(pin.to_string());
  add(options.client.file.native());
  add(options.client.key_file.native());
  add(options.client.password);
}

std::string WayDigest::finish() const {
  std::string digest(32, '\0');
  unsigned int size = 0;
  EVP_Digest(text_.data(), text_.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace bgxfer::inline v0::http::detail
