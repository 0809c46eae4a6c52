// Without a realm: what needs a server that issues tickets is shown by tests/bgx/gss_test.py.
#include "http/gss_context.hpp"

#include <string>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include <doctest/doctest.h>

using namespace bgxfer::http::detail;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;

namespace {

Credentials login(CredentialScheme scheme) { return {CredentialTarget::server, scheme, "user", "marker-secret"}; }

/// One step, without what the mechanisms leave behind: gss-ntlmssp 1.2 never gives its digests back to OpenSSL.
GssStep step_of(GssContext& context, const std::string& token) {
#if defined(__SANITIZE_ADDRESS__)
  const __lsan::ScopedDisabler not_ours;
#endif
  return context.step(token);
}

}  // namespace

TEST_CASE("NTLM greets first, answers the server's challenge, and needs a mechanism that says so where it is missing") {
  GssContext context(login(CredentialScheme::ntlm), "host");
  const GssStep greeting = step_of(context, {});
  if (!greeting.why.empty()) {
    const bool named = greeting.why.find("install gss-ntlmssp") != std::string::npos ||
                       greeting.why.find("BGXFER_GSSAPI") != std::string::npos;
    CHECK_MESSAGE(named, greeting.why);
    return;
  }
  CHECK(greeting.token.starts_with(std::string("NTLMSSP\0\1", 9)));
  const GssStep nonsense = step_of(context, "this is no challenge");
  CHECK(nonsense.why.starts_with("NTLM failed here: "));
  CHECK(nonsense.why.find("marker-secret") == std::string::npos);
}

TEST_CASE("a token of a server has a limit") {
  GssContext context(login(CredentialScheme::negotiate), "host");
  const GssStep step = step_of(context, std::string(GssContext::token_bytes_max + 1, 't'));
  CHECK(step.token.empty());
  const bool limited = step.why == "Negotiate: a token of the server is too long" ||
                       step.why.find("BGXFER_GSSAPI") != std::string::npos;  // A build that speaks none of it.
  CHECK_MESSAGE(limited, step.why);
}

TEST_CASE("a token as long as the limit is looked at") {
  GssContext context(login(CredentialScheme::negotiate), "host");
  const GssStep step = step_of(context, std::string(GssContext::token_bytes_max, 't'));
  CHECK(step.token.empty());
  CHECK(step.why.starts_with("Negotiate "));
}

TEST_CASE("a password for a realm that nobody knows fails here, and is not shown") {
  GssContext context(login(CredentialScheme::negotiate), "host");
  const GssStep step = step_of(context, {});
  CHECK(step.token.empty());
  CHECK(step.why.starts_with("Negotiate "));
  CHECK(step.why.find("marker-secret") == std::string::npos);
}
