#include <bgxfer/http_options.hpp>
#include <bgxfer/request_provider.hpp>
#include <bgxfer/secret_store.hpp>

namespace bgxfer::inline v0 {

ClientCertificateSource::~ClientCertificateSource() = default;
CertificateValidator::~CertificateValidator() = default;
RequestProvider::~RequestProvider() = default;
SecretStore::~SecretStore() = default;

}  // namespace bgxfer::inline v0
