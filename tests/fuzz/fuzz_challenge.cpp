// Challenges of hostile servers: nothing crashes, limits hold, and what is sent in answer is one line of a header.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/authenticator.hpp"
#include "http/challenge.hpp"
#include "http/digest_access.hpp"
#include "http/text.hpp"

namespace http = bgxfer::http::detail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!http::is_value(text)) return 0;  // The head parser lets nothing else through.
  const auto challenges = http::parse_challenges(text);
  if (!challenges) return 0;
  if (challenges->size() > http::challenges_max) std::abort();
  const bgxfer::Credentials login{bgxfer::CredentialTarget::server, bgxfer::CredentialScheme::digest, "u\"ser", "pass"};
  for (const http::Challenge& challenge : *challenges) {
    if (!http::is_token(challenge.scheme) || challenge.parameters.size() > http::Challenge::parameters_max)
      std::abort();
    const auto digest = http::DigestChallenge::read(challenge);
    if (!digest) continue;
    const auto proof = http::digest_proof(*digest, login, "GET", "/", 1, "nonce");
    if (proof && !http::is_value(*proof)) std::abort();
  }

  http::Head head;
  head.status = 401;
  head.fields.push_back(bgxfer::Header{"WWW-Authenticate", std::string(text)});
  http::Authenticator proof(std::make_shared<http::ProofMemory>(), {login}, bgxfer::CredentialTarget::server,
                            http::Origin{true, "host", 443}, true);
  for (int i = 0; i < 4 && proof.refused(head); ++i) {
    const auto value = proof.proof("GET", "/");
    if (value && !http::is_value(*value)) std::abort();
  }
  if (!http::is_value(proof.why())) std::abort();
  return 0;
}
