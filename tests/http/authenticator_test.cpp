// The conversation alone; what GSSAPI says comes from the tests. With a real server: tests/bgx/gss_test.py.
#include "http/authenticator.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace bgxfer::http::detail;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;
using bgxfer::Header;

namespace {

Head unauthorized(std::initializer_list<const char*> challenges) {
  Head head;
  head.status = 401;
  for (const char* challenge : challenges) head.fields.push_back(Header{"WWW-Authenticate", challenge});
  return head;
}

Credentials login(CredentialScheme scheme) { return {CredentialTarget::server, scheme, "user", "secret"}; }

const Origin server{true, "host", 443};

GssStep token(std::string text) {
  GssStep step;
  step.token = std::move(text);
  return step;
}

}  // namespace

TEST_CASE("NTLM is three messages on one connection, and a fourth request for it means a wrong password") {
  Authenticator proof(std::make_shared<ProofMemory>(), {login(CredentialScheme::ntlm)}, CredentialTarget::server,
                      server, true);
  CHECK_FALSE(proof.question());
  CHECK_FALSE(proof.proof("GET", "/"));
  REQUIRE(proof.refused(unauthorized({"NTLM"})));
  REQUIRE(proof.question());
  CHECK_FALSE(proof.bound());
  proof.answer(token("first"));
  CHECK(proof.proof("GET", "/") == "NTLM Zmlyc3Q=");

  REQUIRE(proof.refused(unauthorized({"NTLM c2Vjb25k"})));
  CHECK(proof.bound());
  REQUIRE(proof.question());
  proof.answer(token("third"));
  CHECK(proof.proof("GET", "/") == "NTLM dGhpcmQ=");

  CHECK_FALSE(proof.refused(unauthorized({"NTLM"})));
  CHECK(proof.why() == "the user name or the password is wrong (NTLM)");
  CHECK_FALSE(proof.bound());
}

TEST_CASE("what a server sends in place of a token of GSSAPI is named") {
  Authenticator proof(std::make_shared<ProofMemory>(), {login(CredentialScheme::ntlm)}, CredentialTarget::server,
                      server, true);
  REQUIRE(proof.refused(unauthorized({"NTLM"})));
  REQUIRE(proof.question());
  proof.answer(token("first"));
  REQUIRE(proof.proof("GET", "/"));
  CHECK_FALSE(proof.refused(unauthorized({"NTLM a~~b"})));
  CHECK(proof.why() == "its challenge is not understood (NTLM)");
}

TEST_CASE("a place that has asked for a ticket is shown one at once, and may still ask for another") {
  const auto memory = std::make_shared<ProofMemory>();
  const std::vector<Credentials> ticket = {login(CredentialScheme::negotiate)};
  Authenticator first(memory, ticket, CredentialTarget::server, server, true);
  CHECK_FALSE(first.question());
  REQUIRE(first.refused(unauthorized({"Negotiate"})));
  REQUIRE(first.question());
  first.answer(token("ticket"));
  CHECK(first.proof("GET", "/") == "Negotiate dGlja2V0");

  Authenticator second(memory, ticket, CredentialTarget::server, server, true);
  REQUIRE(second.question());
  second.answer(token("ticket"));
  REQUIRE(second.proof("GET", "/"));
  REQUIRE(second.refused(unauthorized({"Negotiate"})));
  REQUIRE(second.question());
  second.answer(token("other"));
  REQUIRE(second.proof("GET", "/"));
  CHECK_FALSE(second.refused(unauthorized({"Negotiate"})));
  CHECK(second.why() == "it does not take the ticket (Negotiate)");

  Authenticator third(memory, ticket, CredentialTarget::server, server, true);
  CHECK_FALSE(third.question());
}

TEST_CASE("where there is no ticket, the reason of GSSAPI is the reason") {
  Authenticator proof(std::make_shared<ProofMemory>(), {login(CredentialScheme::negotiate)}, CredentialTarget::server,
                      server, true);
  REQUIRE(proof.refused(unauthorized({"Negotiate"})));
  REQUIRE(proof.question());
  GssStep none;
  none.why = "no ticket";
  proof.answer(none);
  CHECK(proof.gave_up());
  CHECK(proof.why() == "no ticket");
  CHECK_FALSE(proof.proof("GET", "/"));
}

TEST_CASE("requests side by side answer their own challenges, and none takes another's for a wrong password") {
  const auto memory = std::make_shared<ProofMemory>();
  const auto challenge = [](const char* nonce) {
    return "Digest realm=\"r\", qop=\"auth\", algorithm=SHA-256, nonce=\"" + std::string(nonce) + '"';
  };
  const auto answers = [](Authenticator& proof, const char* nonce) {
    const std::optional<std::string> text = proof.proof("GET", "/");
    REQUIRE(text);
    CHECK(text->find("nonce=\"" + std::string(nonce) + '"') != std::string::npos);
    CHECK(text->find("nc=00000001") != std::string::npos);
  };
  const std::vector<Credentials> password = {login(CredentialScheme::digest)};
  Authenticator first(memory, password, CredentialTarget::server, server, true);
  Authenticator second(memory, password, CredentialTarget::server, server, true);
  CHECK_FALSE(first.proof("GET", "/"));
  CHECK_FALSE(second.proof("GET", "/"));
  REQUIRE(first.refused(unauthorized({challenge("one").c_str()})));
  REQUIRE(second.refused(unauthorized({challenge("two").c_str()})));
  answers(first, "one");
  answers(second, "two");
  CHECK_FALSE(first.refused(unauthorized({challenge("three").c_str()})));
  CHECK(first.why() == "the user name or the password is wrong (Digest)");
}

TEST_CASE("a token is not sent in clear, and why is said") {
  Authenticator proof(std::make_shared<ProofMemory>(), {login(CredentialScheme::bearer)}, CredentialTarget::server,
                      Origin{false, "host", 80}, false);
  CHECK_FALSE(proof.proof("GET", "/"));
  CHECK_FALSE(proof.refused(unauthorized({"Bearer"})));
  CHECK(proof.why() == "a token (Bearer) is not sent over plain http");
}

TEST_CASE("a challenge that is not understood does not hide the one behind it") {
  Authenticator proof(std::make_shared<ProofMemory>(), {login(CredentialScheme::basic)}, CredentialTarget::server,
                      server, true);
  CHECK(proof.refused(unauthorized({"Digest a=\"", "Basic realm=\"r\""})));
  CHECK(proof.proof("GET", "/") == "Basic dXNlcjpzZWNyZXQ=");
  Authenticator none(std::make_shared<ProofMemory>(), {}, CredentialTarget::server, server, true);
  CHECK_FALSE(none.refused(unauthorized({"Digest a=\""})));
  CHECK(none.why().starts_with("its challenge is not understood ("));
}

TEST_CASE("a server that says nothing is said to say nothing") {
  Authenticator proof(std::make_shared<ProofMemory>(), {}, CredentialTarget::server, server, true);
  CHECK_FALSE(proof.refused(unauthorized({})));
  CHECK(proof.why() == "it does not say what it wants");
}

TEST_CASE("the memory of proofs has a limit, and forgets the oldest first") {
  ProofMemory memory;
  const auto key = [](std::size_t i) {
    return ProofMemory::Key{Origin{true, "host" + std::to_string(i), 443}, login(CredentialScheme::basic)};
  };
  for (std::size_t i = 0; i <= ProofMemory::entries_max; ++i) memory.learn(key(i), std::nullopt);
  CHECK_FALSE(memory.next(key(0)));
  CHECK(memory.next(key(1)));
}
