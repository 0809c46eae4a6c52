#include "http/digest_access.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace bgxfer::http::detail;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;

namespace {

/// The answer of user u with password p to a challenge of realm r and nonce n.
std::string answer(const std::string& more, std::uint32_t count = 1, const std::string& user = "u") {
  const auto challenges = parse_challenges("Digest realm=\"r\", nonce=\"n\"" + more);
  REQUIRE(challenges);
  const auto challenge = DigestChallenge::read(challenges->front());
  REQUIRE(challenge);
  const Credentials login{CredentialTarget::server, CredentialScheme::digest, user, "p"};
  const auto proof = digest_proof(*challenge, login, "GET", "/x", count, "c");
  REQUIRE(proof);
  return *proof;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Digest without qop is that of RFC 2069: neither a count nor a nonce of ours") {
  const std::string proof = answer("");
  CHECK(says(proof, "response=\"3042aef13752cb1d63f6787a080ffdfc\""));
  CHECK_FALSE(says(proof, "nc="));
  CHECK_FALSE(says(proof, "cnonce="));
  CHECK_FALSE(says(proof, "algorithm="));
}

TEST_CASE("Digest for a session has a nonce of ours, with and without qop") {
  CHECK(says(answer(", algorithm=MD5-sess, qop=auth"),
             "response=\"0223f74a821f39096c53860f14848b13\", algorithm=MD5-sess, qop=auth, nc=00000001, cnonce=\"c\""));
  CHECK(says(answer(", algorithm=MD5-sess"),
             "response=\"7490eba024e1e349a999592738d21df0\", algorithm=MD5-sess, cnonce=\"c\""));
}

TEST_CASE("Digest by SHA-512/256 hides the user's name from who listens, if the server asks for that") {
  const std::string proof = answer(", algorithm=SHA-512-256, qop=\"auth-int, AUTH\", userhash=TRUE", 2);
  CHECK(says(proof, "username=\"c738f2ad401bc87a71fe78096015c97b9a26d55f15e9f50ac3a6de73ddcd3d08\""));
  CHECK(says(proof,
             "response=\"ca33aa04a4fc9f63ea9775b00273e9809c95062026eddf86672d313db9ff46e2\", algorithm=SHA-512-256, "
             "qop=auth, nc=00000002"));
  CHECK(says(proof, "userhash=true"));
  CHECK(says(answer(", userhash=false"), "username=\"u\""));
}

TEST_CASE("Digest escapes what ends a quoted text") {
  CHECK(says(answer("", 1, "a\"b\\c"), "username=\"a\\\"b\\\\c\""));
}
