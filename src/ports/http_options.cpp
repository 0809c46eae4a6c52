#include <bgxfer/http_options.hpp>

namespace bgxfer::inline v0 {

ClientCertificateSource::~ClientCertificateSource() = default;
CertificateValidator::~CertificateValidator() = default;

}  // namespace bgxfer::inline v0
