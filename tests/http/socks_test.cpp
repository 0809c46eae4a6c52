#include "http/socks.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

using bgxfer::Errc;
using bgxfer::http_status;
using bgxfer::Result;
using bgxfer::http::detail::SocksHandshake;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> numbers, std::string_view text = {}) {
  std::vector<std::byte> bytes;
  for (unsigned number : numbers) bytes.push_back(static_cast<std::byte>(number));
  for (char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

std::vector<std::byte> joined(std::vector<std::byte> front, const std::vector<std::byte>& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

Result<void> feed(SocksHandshake& handshake, std::initializer_list<unsigned> numbers) {
  const std::vector<std::byte> bytes = bytes_of(numbers);
  REQUIRE(handshake.wanted() == bytes.size());
  return handshake.feed(bytes);
}

/// Up to the reply to the request, with a proxy that wants no password.
SocksHandshake asked(const std::string& host = "host") {
  SocksHandshake handshake(host, 80, "", "");
  CHECK(handshake.message() == bytes_of({5, 1, 0}));
  REQUIRE(feed(handshake, {5, 0}));
  return handshake;
}

std::error_code refused(std::initializer_list<unsigned> reply) {
  SocksHandshake handshake = asked();
  const Result<void> fed = feed(handshake, reply);
  REQUIRE_FALSE(fed);
  return fed.error().code();
}

}  // namespace

TEST_CASE("SOCKS5: a server is asked for by name, or by its address where it has no name") {
  CHECK(asked("host").message() == joined(bytes_of({5, 1, 0, 3, 4}, "host"), bytes_of({0, 80})));
  CHECK(asked("10.1.2.3").message() == bytes_of({5, 1, 0, 1, 10, 1, 2, 3, 0, 80}));
  CHECK(asked("fd00::1").message() == bytes_of({5, 1, 0, 4, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80}));
}

TEST_CASE("SOCKS5: the address that a proxy connects from is skipped, whatever its kind") {
  SocksHandshake v4 = asked();
  REQUIRE(feed(v4, {5, 0, 0, 1}));
  REQUIRE(feed(v4, {1, 2, 3, 4, 0, 80}));
  CHECK(v4.done());
  SocksHandshake v6 = asked();
  REQUIRE(feed(v6, {5, 0, 0, 4}));
  CHECK(v6.wanted() == 18);
  REQUIRE(v6.feed(std::vector<std::byte>(18)));
  CHECK(v6.done());
  SocksHandshake named = asked();
  REQUIRE(feed(named, {5, 0, 0, 3}));
  REQUIRE(feed(named, {2}));
  REQUIRE(feed(named, {'x', 'y', 0, 80}));
  CHECK(named.done());
}

TEST_CASE("SOCKS5: each refusal has the meaning that it would have without a proxy") {
  CHECK(refused({5, 1, 0, 1}) == Errc::proxy_failed);
  CHECK(refused({5, 2, 0, 1}) == http_status(403));
  CHECK(refused({5, 3, 0, 1}) == std::errc::network_unreachable);
  CHECK(refused({5, 4, 0, 1}) == std::errc::host_unreachable);
  CHECK(refused({5, 5, 0, 1}) == std::errc::connection_refused);
  CHECK(refused({4, 0, 0, 1}) == Errc::proxy_failed);
  CHECK(refused({5, 0, 0, 2}) == Errc::proxy_failed);
}

TEST_CASE("SOCKS5: a password is given only to a proxy that asks for it, and fits or is refused here") {
  SocksHandshake known("host", 80, "user", "pass");
  CHECK(known.message() == bytes_of({5, 2, 0, 2}));
  REQUIRE(feed(known, {5, 2}));
  CHECK(known.message() == joined(bytes_of({1, 4}, "user"), bytes_of({4}, "pass")));
  const Result<void> wrong = feed(known, {1, 1});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code() == http_status(407));

  SocksHandshake unknown("host", 80, "", "");
  CHECK(feed(unknown, {5, 2}).error().code() == http_status(407));
  SocksHandshake other("host", 80, "user", "pass");
  CHECK(feed(other, {5, 255}).error().code() == http_status(407));
  SocksHandshake old("host", 80, "user", "pass");
  CHECK(feed(old, {4, 0}).error().code() == Errc::proxy_failed);
  SocksHandshake long_user("host", 80, std::string(256, 'u'), "pass");
  CHECK(feed(long_user, {5, 2}).error().code() == Errc::string_too_long);
  SocksHandshake long_password("host", 80, "user", std::string(256, 'p'));
  CHECK(feed(long_password, {5, 2}).error().code() == Errc::string_too_long);
  SocksHandshake long_name(std::string(256, 'h'), 80, "", "");
  CHECK(feed(long_name, {5, 0}).error().code() == Errc::string_too_long);
}
