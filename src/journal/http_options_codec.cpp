#include "http_options_codec.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bgxfer::inline v0::detail {

namespace {

/// Tags inside what a job asks of HTTP.
enum class HttpTag : std::uint8_t {
  redirect_mode = 1,
  headers_write_only = 2,
  credentials_without_tls = 3,
  proxy_usage = 4,
  proxy_list = 5,
  proxy_bypass = 6,
  tls_flags = 7,
  revocation_lists = 8,
  extra_authorities = 9,
  pins = 10,
  client_file = 11,
  client_key_file = 12,
  client_source = 13,
  validator = 14,
  method = 15,
  stored_credentials = 16,
};

/// Bits of `tls_flags`; 1 to 16 are those of BITS (spec part 3.9).
constexpr std::uint64_t flag_revocation = 0x01, flag_wrong_host = 0x02, flag_expired = 0x04, flag_authority = 0x08,
                        flag_usage = 0x10;
constexpr std::uint64_t flags_all = 0x1f;

constexpr std::size_t pin_bytes = 32;
constexpr std::size_t journal_pins_max = 64;

/// Stands in for an object of the host that a restart has lost.
class LostValidator final : public CertificateValidator, public ClientCertificateSource {
 public:
  Result<void> check(const ServerCertificate&) override { return lost(); }
  Result<std::string> pem_for(std::string_view) override { return lost(); }

 private:
  static Error lost() { return Error(Errc::validator_needed, ErrorContext::server_certificate); }
};

std::shared_ptr<LostValidator> lost_validator() {
  static const auto shared = std::make_shared<LostValidator>();
  return shared;
}

}  // namespace

void put_http_options(Bytes& out, const HttpOptions& options) {
  FieldWriter fields(out);
  fields.number(HttpTag::redirect_mode, static_cast<std::uint64_t>(options.redirects.mode));
  fields.flag(HttpTag::headers_write_only, options.headers_write_only);
  fields.flag(HttpTag::credentials_without_tls, options.credentials_without_tls);
  fields.number(HttpTag::proxy_usage, static_cast<std::uint64_t>(options.proxy.usage));
  fields.text(HttpTag::proxy_list, options.proxy.list);
  fields.text(HttpTag::proxy_bypass, options.proxy.bypass);
  const TlsOptions& tls = options.tls;
  std::uint64_t flags = 0;
  if (tls.check_revocation) flags |= flag_revocation;
  if (tls.ignore_wrong_host) flags |= flag_wrong_host;
  if (tls.ignore_expired) flags |= flag_expired;
  if (tls.ignore_unknown_authority) flags |= flag_authority;
  if (tls.ignore_wrong_usage) flags |= flag_usage;
  fields.number(HttpTag::tls_flags, flags);
  fields.text(HttpTag::revocation_lists, tls.revocation_lists.native());
  fields.text(HttpTag::extra_authorities, tls.extra_authorities.native());
  Bytes pins;
  for (const Sha256& pin : tls.pins) pins.insert(pins.end(), pin.bytes.begin(), pin.bytes.end());
  if (!pins.empty()) fields.raw(HttpTag::pins, pins);
  fields.text(HttpTag::client_file, tls.client.file.native());
  fields.text(HttpTag::client_key_file, tls.client.key_file.native());
  fields.flag(HttpTag::client_source, tls.client_source != nullptr);
  fields.flag(HttpTag::validator, tls.validator != nullptr);
  if (options.method != HttpOptions().method) fields.text(HttpTag::method, options.method);
  if (options.stored_credentials) {
    fields.number(HttpTag::stored_credentials, static_cast<std::uint64_t>(*options.stored_credentials));
  }
}

void read_http_options(View bytes, Sense& sense, HttpOptions& options) {
  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(HttpTag::stored_credentials));
  ValueReader values(sense);
  TlsOptions& tls = options.tls;
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<HttpTag>(field.tag)) {
      case HttpTag::redirect_mode: options.redirects.mode = values.enumerator(field.value, RedirectMode::refuse); break;
      case HttpTag::headers_write_only: options.headers_write_only = values.flag(field.value); break;
      case HttpTag::credentials_without_tls: options.credentials_without_tls = values.flag(field.value); break;
      case HttpTag::proxy_usage: options.proxy.usage = values.enumerator(field.value, ProxyUsage::autodetect); break;
      case HttpTag::proxy_list: options.proxy.list = values.text(field.value); break;
      case HttpTag::proxy_bypass: options.proxy.bypass = values.text(field.value); break;
      case HttpTag::tls_flags: {
        const std::uint64_t flags = values.number(field.value, flags_all);
        tls.check_revocation = flags & flag_revocation;
        tls.ignore_wrong_host = flags & flag_wrong_host;
        tls.ignore_expired = flags & flag_expired;
        tls.ignore_unknown_authority = flags & flag_authority;
        tls.ignore_wrong_usage = flags & flag_usage;
        break;
      }
      case HttpTag::revocation_lists: tls.revocation_lists = values.text(field.value); break;
      case HttpTag::extra_authorities: tls.extra_authorities = values.text(field.value); break;
      case HttpTag::pins: {
        if (field.value.empty() || field.value.size() % pin_bytes != 0 ||
            field.value.size() > journal_pins_max * pin_bytes) {
          fields.fail(Sense::malformed);
          break;
        }
        for (View rest = field.value; !rest.empty(); rest = rest.subspan(pin_bytes)) {
          tls.pins.push_back(Sha256{values.array<std::array<std::byte, pin_bytes>>(rest.first(pin_bytes))});
        }
        break;
      }
      case HttpTag::client_file: tls.client.file = values.text(field.value); break;
      case HttpTag::client_key_file: tls.client.key_file = values.text(field.value); break;
      case HttpTag::client_source:
        if (values.flag(field.value)) tls.client_source = lost_validator();
        break;
      case HttpTag::validator:
        if (values.flag(field.value)) tls.validator = lost_validator();
        break;
      case HttpTag::method: options.method = values.text(field.value); break;
      case HttpTag::stored_credentials:
        options.stored_credentials = values.enumerator(field.value, CredentialTarget::proxy);
        // No job could be given others, nor be configured with them.
        if (options.stored_credentials != CredentialTarget::proxy) fields.fail(Sense::malformed);
        break;
    }
  }
}

Result<void> check_http_options(const HttpOptions& options) {
  const TlsOptions& tls = options.tls;
  for (std::string_view text :
       {std::string_view(options.proxy.list), std::string_view(options.proxy.bypass), std::string_view(options.method),
        std::string_view(tls.revocation_lists.native()), std::string_view(tls.extra_authorities.native()),
        std::string_view(tls.client.file.native()), std::string_view(tls.client.key_file.native())}) {
    if (text.size() > text_bytes_max) {
      return Error(Errc::string_too_long, ErrorContext::queue,
                   "http: a text has " + std::to_string(text.size()) + " bytes; the journal keeps " +
                       std::to_string(text_bytes_max));
    }
  }
  if (options.method.empty()) return Error(Errc::invalid_argument, ErrorContext::queue, "http.method is empty");
  if (tls.pins.size() > journal_pins_max)
    return Error(Errc::invalid_argument, ErrorContext::queue, "http.tls.pins: too many");
  return {};
}

}  // namespace bgxfer::inline v0::detail
