#include "certificate.hpp"

#include <openssl/x509v3.h>

#include <asio/ip/address.hpp>

namespace bgxfer::inline v0::http::detail {

bool expect_host(X509_VERIFY_PARAM* parameters, const std::string& host) {
  X509_VERIFY_PARAM_set_hostflags(parameters,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  asio::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (not_an_address) return X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1;
  return X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
}

Errc certificate_error(long verdict) noexcept {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD: return Errc::certificate_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return Errc::certificate_wrong_host;
    case X509_V_ERR_CERT_REVOKED: return Errc::certificate_revoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return Errc::revocation_unknown;
    case X509_V_ERR_INVALID_PURPOSE: return Errc::certificate_wrong_usage;
    default: return Errc::certificate_untrusted;
  }
}

}  // namespace bgxfer::inline v0::http::detail
