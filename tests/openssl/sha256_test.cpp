#include <bgxfer/openssl/sha256.hpp>

#include <span>
#include <string_view>

#include <doctest/doctest.h>

namespace {

std::string digest_of(std::string_view text, std::size_t piece) {
  const auto stream = bgxfer::openssl::sha256()();
  for (std::size_t at = 0; at < text.size(); at += piece)
    stream->update(std::as_bytes(std::span(text.substr(at, piece))));
  return stream->finish().to_string();
}

}  // namespace

TEST_CASE("SHA-256 gives the values of FIPS 180-4") {
  CHECK(digest_of("", 1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest_of("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1000) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut") {
  const std::string text(1000, 'x');
  for (std::size_t piece : {1, 7, 64, 65, 999}) CHECK(digest_of(text, piece) == digest_of(text, 1000));
}
