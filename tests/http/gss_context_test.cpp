// Without a realm: what needs a server that issues tickets is shown by tests/bgx/gss_test.py.
#include "http/gss_context.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace bgxfer::http::detail;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;

namespace {

Credentials login(CredentialScheme scheme) { return {CredentialTarget::server, scheme, "user", "marker-secret"}; }

}  // namespace

TEST_CASE("NTLM greets first, answers the server's challenge, and needs a mechanism that says so where it is missing") {
  GssContext context(login(CredentialScheme::ntlm), "host");
  const GssStep greeting = context.step({});
  if (!greeting.why.empty()) {
    const bool named = greeting.why.find("install gss-ntlmssp") != std::string::npos ||
                       greeting.why.find("BGXFER_GSSAPI") != std::string::npos;
    CHECK_MESSAGE(named, greeting.why);
    return;
  }
  CHECK(greeting.token.starts_with(std::string("NTLMSSP\0\1", 9)));
  const GssStep nonsense = context.step("this is no challenge");
  CHECK(nonsense.why.starts_with("NTLM failed here: "));
  CHECK(nonsense.why.find("marker-secret") == std::string::npos);
}

TEST_CASE("a token of a server has a limit") {
  GssContext context(login(CredentialScheme::negotiate), "host");
  const GssStep step = context.step(std::string(GssContext::token_bytes_max + 1, 't'));
  CHECK(step.token.empty());
  CHECK(step.why.starts_with("Negotiate"));
}

TEST_CASE("a password for a realm that nobody knows fails here, and is not shown") {
  GssContext context(login(CredentialScheme::negotiate), "host");
  const GssStep step = context.step({});
  CHECK(step.token.empty());
  CHECK(step.why.starts_with("Negotiate "));
  CHECK(step.why.find("marker-secret") == std::string::npos);
}
