#include "gss_context.hpp"

#include <utility>

#ifdef BGXFER_GSSAPI
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#endif

namespace bgxfer::inline v0::http::detail {

namespace {

std::string scheme_name(CredentialScheme scheme) { return scheme == CredentialScheme::ntlm ? "NTLM" : "Negotiate"; }

GssStep failed_step(std::string why) {
  GssStep step;
  step.why = std::move(why);
  return step;
}

}  // namespace

#ifdef BGXFER_GSSAPI

namespace {

// The library's types want bytes that may be written to; it writes to none of these.
gss_OID_desc spnego_oid{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};                // 1.3.6.1.5.5.2
gss_OID_desc kerberos_oid{9, const_cast<char*>("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")};  // RFC 4121
gss_OID_desc ntlm_oid{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};

gss_buffer_desc as_buffer(std::string_view text) {
  gss_buffer_desc buffer;
  buffer.length = text.size();
  buffer.value = const_cast<char*>(text.data());
  return buffer;
}

void add_status(std::string& text, OM_uint32 code, int kind, gss_OID mechanism) {
  OM_uint32 ignored = 0;
  OM_uint32 more = 0;
  gss_buffer_desc message = GSS_C_EMPTY_BUFFER;
  if (GSS_ERROR(gss_display_status(&ignored, code, kind, mechanism, &more, &message))) return;
  if (!text.empty()) text += ": ";
  text.append(static_cast<const char*>(message.value), message.length);
  gss_release_buffer(&ignored, &message);
}

GssStep failed_call(CredentialScheme scheme, OM_uint32 major, OM_uint32 minor, gss_OID mechanism) {
  std::string text;
  add_status(text, major, GSS_C_GSS_CODE, GSS_C_NO_OID);
  if (minor != 0) add_status(text, minor, GSS_C_MECH_CODE, mechanism);
  return failed_step(scheme_name(scheme) + " failed here: " + text);
}

bool has_mechanism(gss_OID mechanism) {
  OM_uint32 minor = 0;
  gss_OID_set known = GSS_C_NO_OID_SET;
  if (GSS_ERROR(gss_indicate_mechs(&minor, &known))) return false;
  int present = 0;
  gss_test_oid_set_member(&minor, mechanism, known, &present);
  gss_release_oid_set(&minor, &known);
  return present != 0;
}

}  // namespace

struct GssContext::Parts {
  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    OM_uint32 ignored = 0;
    if (context != GSS_C_NO_CONTEXT) gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
    if (credential != GSS_C_NO_CREDENTIAL) gss_release_cred(&ignored, &credential);
    if (target != GSS_C_NO_NAME) gss_release_name(&ignored, &target);
  }

  gss_name_t target = GSS_C_NO_NAME;
  gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;

  /// Names the server, and gets hold of whom to prove. Empty `why`: both are there.
  GssStep begin(const Credentials& known, const std::string& host, gss_OID mechanism) {
    if (known.scheme == CredentialScheme::ntlm && !has_mechanism(mechanism)) {
      return failed_step("NTLM needs a mechanism that GSSAPI does not have here; install gss-ntlmssp");
    }
    OM_uint32 minor = 0;
    const std::string service = "HTTP@" + host;
    gss_buffer_desc text = as_buffer(service);
    OM_uint32 major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target);
    if (GSS_ERROR(major)) return failed_call(known.scheme, major, minor, mechanism);

    gss_OID_set_desc wanted{1, mechanism};
    if (known.user.empty()) {
      major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, GSS_C_INITIATE, &credential, nullptr,
                               nullptr);
    } else {
      gss_name_t user = GSS_C_NO_NAME;
      text = as_buffer(known.user);
      major = gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &user);
      if (GSS_ERROR(major)) return failed_call(known.scheme, major, minor, mechanism);
      gss_buffer_desc password = as_buffer(known.password);
      major = gss_acquire_cred_with_password(&minor, user, &password, GSS_C_INDEFINITE, &wanted, GSS_C_INITIATE,
                                             &credential, nullptr, nullptr);
      OM_uint32 ignored = 0;
      gss_release_name(&ignored, &user);
    }
    if (GSS_ERROR(major)) return failed_call(known.scheme, major, minor, mechanism);
    if (known.scheme == CredentialScheme::negotiate) {
      // Whoever asked for Kerberos did not ask for the weaker schemes that a server could talk SPNEGO down to.
      gss_OID_set_desc kerberos{1, &kerberos_oid};
      major = gss_set_neg_mechs(&minor, credential, &kerberos);
      if (GSS_ERROR(major)) return failed_call(known.scheme, major, minor, mechanism);
    }
    return {};
  }
};

GssStep GssContext::step(std::string_view token) {
  if (token.size() > token_bytes_max)
    return failed_step(scheme_name(credentials_.scheme) + ": a token of the server is too long");
  gss_OID mechanism = credentials_.scheme == CredentialScheme::ntlm ? &ntlm_oid : &spnego_oid;
  if (!parts_) {
    parts_ = std::make_unique<Parts>();
    GssStep begun = parts_->begin(credentials_, host_, mechanism);
    if (!begun.why.empty()) return begun;
  }
  gss_buffer_desc input = as_buffer(token);
  gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_init_sec_context(
      &minor, parts_->credential, &parts_->context, parts_->target, mechanism, 0, GSS_C_INDEFINITE,
      GSS_C_NO_CHANNEL_BINDINGS, token.empty() ? GSS_C_NO_BUFFER : &input, nullptr, &output, nullptr, nullptr);
  GssStep step;
  step.token.assign(static_cast<const char*>(output.value), output.length);
  OM_uint32 ignored = 0;
  gss_release_buffer(&ignored, &output);
  if (GSS_ERROR(major)) return failed_call(credentials_.scheme, major, minor, mechanism);
  if (step.token.empty())
    return failed_step(scheme_name(credentials_.scheme) + ": the server asks for more than there is");
  return step;
}

#else

struct GssContext::Parts {};

GssStep GssContext::step(std::string_view) {
  return failed_step(scheme_name(credentials_.scheme) +
                     " is not spoken by this build of bgxfer; build it with BGXFER_GSSAPI=ON");
}

#endif

GssContext::GssContext(Credentials credentials, std::string host)
    : credentials_(std::move(credentials)), host_(std::move(host)) {}

GssContext::~GssContext() = default;

}  // namespace bgxfer::inline v0::http::detail
