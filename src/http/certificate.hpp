#ifndef BGXFER_HTTP_CERTIFICATE_HPP
#define BGXFER_HTTP_CERTIFICATE_HPP

#include <string>

#include <openssl/x509_vfy.h>

#include <bgxfer/error.hpp>

namespace bgxfer::inline v0::http::detail {

/// Asks of a certificate that it names `host`, an address or a DNS name (RFC 6125): without partial wildcards and
/// without falling back to the subject. False if OpenSSL refuses the name.
[[nodiscard]] BGXFER_API bool expect_host(X509_VERIFY_PARAM* parameters, const std::string& host);

/// The word for a certificate that was not accepted; `verdict` is OpenSSL's, X509_V_ERR_*.
[[nodiscard]] BGXFER_API Errc certificate_error(long verdict) noexcept;

}  // namespace bgxfer::inline v0::http::detail

#endif
