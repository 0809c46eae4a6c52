#include "journal/http_options_codec.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace bgxfer;
using bgxfer::detail::Bytes;
using bgxfer::detail::check_http_options;
using bgxfer::detail::put_http_options;
using bgxfer::detail::read_http_options;
using bgxfer::detail::Sense;
using bgxfer::detail::text_bytes_max;
using bgxfer::detail::View;

namespace {

class Host final : public CertificateValidator, public ClientCertificateSource {
 public:
  Result<void> check(const ServerCertificate&) override { return {}; }
  Result<std::string> pem_for(std::string_view) override { return std::string("pem"); }
};

HttpOptions back(const HttpOptions& options) {
  Bytes bytes;
  put_http_options(bytes, options);
  Sense sense = Sense::good;
  HttpOptions read;
  read_http_options(bytes, sense, read);
  CHECK(sense == Sense::good);
  return read;
}

Sense sense_of(const Bytes& bytes) {
  Sense sense = Sense::good;
  HttpOptions read;
  read_http_options(bytes, sense, read);
  return sense;
}

Bytes field(unsigned tag, std::size_t size) {
  Bytes bytes = {static_cast<std::byte>(tag)};
  detail::put_varint(bytes, size);
  bytes.resize(bytes.size() + size);
  return bytes;
}

}  // namespace

TEST_CASE("what a job asks of HTTP comes back, each flag and path as itself") {
  HttpOptions options;
  options.redirects.mode = RedirectMode::report;
  options.headers_write_only = true;
  options.credentials_without_tls = true;
  options.proxy.usage = ProxyUsage::listed;
  options.proxy.list = "proxy:1";
  options.proxy.bypass = "<local>";
  options.tls.revocation_lists = "/lists";
  options.tls.extra_authorities = "/authorities";
  options.tls.pins = {Sha256{}, Sha256{}};
  options.tls.client.file = "/client";
  options.tls.client.key_file = "/key";
  options.method = "POST";
  options.stored_credentials = CredentialTarget::proxy;
  CHECK(back(options) == options);
  for (bool TlsOptions::*flag :
       {&TlsOptions::check_revocation, &TlsOptions::ignore_wrong_host, &TlsOptions::ignore_expired,
        &TlsOptions::ignore_unknown_authority, &TlsOptions::ignore_wrong_usage}) {
    HttpOptions one;
    one.tls.*flag = true;
    CHECK(back(one) == one);
  }
}

TEST_CASE("an object of the host is lost, and what stands in for it vouches for nothing") {
  HttpOptions options;
  options.tls.validator = std::make_shared<Host>();
  options.tls.client_source = std::make_shared<Host>();
  const HttpOptions read = back(options);
  REQUIRE(read.tls.validator);
  REQUIRE(read.tls.client_source);
  CHECK(read.tls.validator->check({}).error().code() == Errc::validator_needed);
  CHECK(read.tls.client_source->pem_for("host").error().code() == Errc::validator_needed);
}

TEST_CASE("pins are whole digests, and not too many") {
  CHECK(sense_of(field(10, 64)) == Sense::good);
  CHECK(sense_of(field(10, 0)) == Sense::malformed);
  CHECK(sense_of(field(10, 33)) == Sense::malformed);
  CHECK(sense_of(field(10, 65 * 32)) == Sense::malformed);
}

TEST_CASE("what the journal could not keep is refused with the reason") {
  CHECK(check_http_options(HttpOptions()));
  HttpOptions text;
  text.proxy.list = std::string(text_bytes_max + 1, 'p');
  CHECK(check_http_options(text).error().code() == Errc::string_too_long);
  HttpOptions method;
  method.method.clear();
  CHECK(check_http_options(method).error().code() == Errc::invalid_argument);
  HttpOptions pins;
  pins.tls.pins.resize(65);
  CHECK(check_http_options(pins).error().code() == Errc::invalid_argument);
}
