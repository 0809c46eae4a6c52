#ifndef BGXFER_HTTP_DIGEST_ACCESS_HPP
#define BGXFER_HTTP_DIGEST_ACCESS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <bgxfer/http_options.hpp>

#include "challenge.hpp"

namespace bgxfer::inline v0::http::detail {

/// What a server asked of Digest (RFC 7616), as far as we can answer it.
struct DigestChallenge {
  enum class Algorithm : std::uint8_t { md5 = 1, sha256 = 2, sha512_256 = 3 };  ///< The greater the better.

  Algorithm algorithm = Algorithm::md5;
  bool session = false;     ///< The "-sess" form of the algorithm.
  bool named = false;       ///< The server spelled the algorithm out, so the answer does too.
  bool protection = false;  ///< qop "auth"; without it the form of RFC 2069.
  bool hashed_user = false;
  std::string realm{};
  std::string nonce{};
  std::optional<std::string> opaque{};

  /// Empty if the algorithm or the protection is one that we do not speak, or the nonce is missing.
  [[nodiscard]] static std::optional<DigestChallenge> read(const Challenge& challenge);
};

/// The value of the Authorization field that proves `credentials` for one request. `count` is how often the nonce has
/// been used, from 1; `client_nonce` is fresh and random. Empty if this OpenSSL lacks the algorithm.
[[nodiscard]] std::optional<std::string> digest_proof(const DigestChallenge& challenge, const Credentials& credentials,
                                                      std::string_view method, std::string_view target,
                                                      std::uint32_t count, std::string_view client_nonce);

}  // namespace bgxfer::inline v0::http::detail

#endif
