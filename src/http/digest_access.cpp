#include "digest_access.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

std::optional<std::string> hex_digest(DigestChallenge::Algorithm algorithm, std::string_view text) {
  const char* name = algorithm == DigestChallenge::Algorithm::md5      ? "MD5"
                     : algorithm == DigestChallenge::Algorithm::sha256 ? "SHA256"
                                                                       : "SHA512-256";
  unsigned char bytes[EVP_MAX_MD_SIZE];
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, name, nullptr, text.data(), text.size(), bytes, &size) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = 0; i < size; ++i) {
    hex += digits[bytes[i] >> 4];
    hex += digits[bytes[i] & 15];
  }
  return hex;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) (text += part) += ':';
  text.pop_back();
  return text;
}

std::string quoted_text(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result += '"';
}

std::string eight_digits(std::uint32_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(8, '0');
  for (std::size_t i = 8; i-- > 0; number >>= 4) text[i] = digits[number & 15];
  return text;
}

const char* spelled(DigestChallenge::Algorithm algorithm) {
  switch (algorithm) {
    case DigestChallenge::Algorithm::md5: return "MD5";
    case DigestChallenge::Algorithm::sha256: return "SHA-256";
    case DigestChallenge::Algorithm::sha512_256: return "SHA-512-256";
  }
  return "";
}

}  // namespace

std::optional<DigestChallenge> DigestChallenge::read(const Challenge& challenge) {
  if (challenge.scheme != "digest") return std::nullopt;
  const std::optional<std::string_view> nonce = challenge.parameter("nonce");
  const std::optional<std::string_view> realm = challenge.parameter("realm");
  if (!nonce || !realm) return std::nullopt;

  DigestChallenge result;
  result.nonce = *nonce;
  result.realm = *realm;
  if (const auto opaque = challenge.parameter("opaque")) result.opaque = std::string(*opaque);
  if (const auto hashed = challenge.parameter("userhash")) result.hashed_user = equal_ignoring_case(*hashed, "true");

  if (const auto algorithm = challenge.parameter("algorithm")) {
    std::string name = lowered(*algorithm);
    result.named = true;
    result.session = name.ends_with("-sess");
    if (result.session) name.resize(name.size() - 5);
    if (name == "sha-256") {
      result.algorithm = Algorithm::sha256;
    } else if (name == "sha-512-256") {
      result.algorithm = Algorithm::sha512_256;
    } else if (name != "md5") {
      return std::nullopt;
    }
  }
  if (const auto offered = challenge.parameter("qop")) {
    std::string_view rest = *offered;
    while (!rest.empty() && !result.protection) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      result.protection = equal_ignoring_case(trimmed(rest.substr(0, comma)), "auth");
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (!result.protection) return std::nullopt;  // Only auth-int, which wants the body digested beforehand.
  }
  return result;
}

std::optional<std::string> digest_proof(const DigestChallenge& challenge, const Credentials& credentials,
                                        std::string_view method, std::string_view target, std::uint32_t count,
                                        std::string_view client_nonce) {
  const auto digest = [&challenge](std::initializer_list<std::string_view> parts) {
    return hex_digest(challenge.algorithm, joined(parts));
  };
  std::optional<std::string> secret = digest({credentials.user, challenge.realm, credentials.password});
  if (secret && challenge.session) secret = digest({*secret, challenge.nonce, client_nonce});
  const std::optional<std::string> what = digest({method, target});
  if (!secret || !what) return std::nullopt;
  const std::string counter = eight_digits(count);
  const std::optional<std::string> response =
      challenge.protection ? digest({*secret, challenge.nonce, counter, client_nonce, "auth", *what})
                           : digest({*secret, challenge.nonce, *what});
  const std::optional<std::string> user =
      challenge.hashed_user ? digest({credentials.user, challenge.realm}) : credentials.user;
  if (!response || !user) return std::nullopt;

  std::string field = "Digest username=" + quoted_text(*user) + ", realm=" + quoted_text(challenge.realm) +
                      ", nonce=" + quoted_text(challenge.nonce) + ", uri=" + quoted_text(target) + ", response=\"" +
                      *response + "\"";
  if (challenge.named)
    field += std::string(", algorithm=") + spelled(challenge.algorithm) + (challenge.session ? "-sess" : "");
  if (challenge.opaque) field += ", opaque=" + quoted_text(*challenge.opaque);
  if (challenge.protection) field += ", qop=auth, nc=" + counter;
  if (challenge.protection || challenge.session) field += ", cnonce=" + quoted_text(client_nonce);
  if (challenge.hashed_user) field += ", userhash=true";
  return field;
}

}  // namespace bgxfer::inline v0::http::detail
