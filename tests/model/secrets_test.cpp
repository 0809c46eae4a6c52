#include "model/secrets.hpp"

#include <cstddef>
#include <span>
#include <vector>

#include <doctest/doctest.h>

using namespace bgxfer;
using bgxfer::detail::pack_secrets;
using bgxfer::detail::unpack_secrets;

namespace {

HttpOptions secretive() {
  HttpOptions options;
  options.headers = {{"Cookie", "a=b"}, {"X-Empty", ""}};
  options.credentials = {{CredentialTarget::server, CredentialScheme::basic, "user", "pass"},
                         {CredentialTarget::proxy, CredentialScheme::bearer, "", "token"}};
  options.tls.client.password = "key";
  return options;
}

}  // namespace

TEST_CASE("secrets that were packed come back, and nothing else changes") {
  HttpOptions options;
  options.method = "POST";
  REQUIRE(unpack_secrets(pack_secrets(secretive()), options));
  CHECK(options.headers == secretive().headers);
  CHECK(options.credentials == secretive().credentials);
  CHECK(options.tls.client.password == "key");
  CHECK(options.method == "POST");
}

TEST_CASE("packed secrets that end early or go on are none") {
  std::vector<std::byte> packed = pack_secrets(secretive());
  for (std::size_t length = 0; length < packed.size(); ++length) {
    CAPTURE(length);
    HttpOptions options;
    CHECK_FALSE(unpack_secrets(std::span(packed).first(length), options));
    CHECK(options == HttpOptions());
  }
  packed.push_back(std::byte{0});
  HttpOptions options;
  CHECK_FALSE(unpack_secrets(packed, options));
}

TEST_CASE("packed secrets of another version are none") {
  HttpOptions options;
  std::vector<std::byte> other = pack_secrets(secretive());
  other[0] = std::byte{2};
  CHECK_FALSE(unpack_secrets(other, options));
  CHECK(options == HttpOptions());
}

TEST_CASE("too many packed secrets of one kind are none, though all of them are there") {
  constexpr std::size_t items_max = 10'000;
  for (const std::size_t items : {items_max, items_max + 1}) {
    CAPTURE(items);
    HttpOptions many_headers;
    many_headers.headers.assign(items, {"X", ""});
    HttpOptions many_credentials;
    many_credentials.credentials.assign(items, {CredentialTarget::server, CredentialScheme::basic, "", ""});
    for (const HttpOptions& many : {many_headers, many_credentials}) {
      HttpOptions options;
      const bool taken = unpack_secrets(pack_secrets(many), options);
      CHECK(taken == (items == items_max));
      const bool right = options == (taken ? many : HttpOptions());
      CHECK(right);  // Without ten thousand of them in its message.
    }
  }
}

TEST_CASE("packed credentials of a target or a scheme that nobody knows are none") {
  HttpOptions known;
  known.credentials = {{CredentialTarget::server, CredentialScheme::basic, "user", "pass"}};
  const std::vector<std::byte> packed = pack_secrets(known);
  constexpr std::size_t target = 12, scheme = 16;  // Behind the version and two counts.
  for (const std::size_t place : {target, scheme}) {
    for (const unsigned value : {0u, 7u, 255u}) {
      CAPTURE(place);
      CAPTURE(value);
      std::vector<std::byte> wrong = packed;
      wrong[place] = static_cast<std::byte>(value);
      HttpOptions options;
      CHECK_FALSE(unpack_secrets(wrong, options));
      CHECK(options == HttpOptions());
    }
  }
}
