#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "http/address.hpp"
#include "http/content_range.hpp"
#include "http/date.hpp"
#include "http/redirect.hpp"
#include "http/retry_after.hpp"
#include "http/socket_network.hpp"
#include "http/validator.hpp"

using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Header;
using bgxfer::http::detail::Date;
using bgxfer::http::detail::Head;
using bgxfer::http::detail::interleaved;
using bgxfer::http::detail::is_public;
using bgxfer::http::detail::is_redirect;
using bgxfer::http::detail::parse_content_range;
using bgxfer::http::detail::parse_date;
using bgxfer::http::detail::parse_url;
using bgxfer::http::detail::RedirectTrail;
using bgxfer::http::detail::retry_after_of;
using bgxfer::http::detail::Url;
using bgxfer::http::detail::validator_of;

namespace {

Head head_with(std::initializer_list<Header> fields) {
  Head head;
  head.status = 200;
  head.fields = fields;
  return head;
}

}  // namespace

TEST_CASE("Content-Range is read leniently and judged strictly") {
  const auto read = [](const char* text) { return parse_content_range(text); };
  CHECK(read("bytes 0-9/10")->range == ByteRange{0, 10});
  CHECK(read("bytes 0-9/10")->resource_size == 10u);
  CHECK(read("bytes=5-9/10")->range == ByteRange{5, 5});
  CHECK(read("Bytes  5 - 9 / 10 ")->range == ByteRange{5, 5});
  CHECK_FALSE(read("bytes 5-9/*")->resource_size);
  CHECK(read("bytes 5-9/*")->range == ByteRange{5, 5});
  CHECK_FALSE(read("bytes */10")->range);
  CHECK(read("bytes */10")->resource_size == 10u);
  for (const char* bad : {"", "bytes", "bytes ", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes */*",
                          "bytes -1-9/10", "bytes 0-9/-10", "bytes 0x0-9/10", "items 0-9/10", "bytes0-9/10",
                          "bytes 0-99999999999999999999/*", "bytes 0-9/10/11"}) {
    CAPTURE(bad);
    CHECK_FALSE(read(bad));
  }
}

TEST_CASE("dates are read in all three formats and nothing else") {
  const Date expected = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == expected);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == expected);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == expected);
  for (const char* bad :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 2310 08:49:37 GMT", "Sun, 06 Nov 1066 08:49:37 GMT", "Sun Nov  6 08:49:37 9999",
        "Sun, 06 Nov 1994 08:49:37 GMTx", "1994-11-06T08:49:37Z", "Sun, 06 nov 1994 08:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_date(bad));
  }
}

TEST_CASE("only a proof of identical bytes is a validator") {
  CHECK(validator_of(head_with({{"ETag", "\"a\""}})) == "\"a\"");
  CHECK(validator_of(head_with({{"ETag", "W/\"a\""}})).empty());
  CHECK(validator_of(head_with({{"ETag", "a"}})).empty());
  CHECK(validator_of(head_with({{"ETag", "\"a\"b\""}})).empty());
  const char* modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(validator_of(
            head_with({{"ETag", "W/\"a\""}, {"Last-Modified", modified}, {"Date", "Sun, 06 Nov 1994 08:50:37 GMT"}})) ==
        modified);
  CHECK(validator_of(head_with({{"Last-Modified", modified}, {"Date", "Sun, 06 Nov 1994 08:50:36 GMT"}})).empty());
  CHECK(validator_of(head_with({{"Last-Modified", modified}})).empty());
}

TEST_CASE("Retry-After is measured by the server's own clock and clamped") {
  const auto now = std::chrono::system_clock::now();
  const auto delay = [now](std::initializer_list<Header> fields) { return retry_after_of(head_with(fields), now); };
  CHECK(delay({{"Retry-After", "120"}}) == 120s);
  CHECK(delay({{"Retry-After", "0"}}) == 1s);
  CHECK(delay({{"Retry-After", "999999999999"}}) == 24h);
  CHECK_FALSE(delay({{"Retry-After", "-5"}}));
  CHECK_FALSE(delay({{"Retry-After", "soon"}}));
  CHECK_FALSE(delay({}));
  const Header date{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"};
  CHECK(delay({date, {"Retry-After", "Sun, 06 Nov 1994 08:51:37 GMT"}}) == 120s);
  CHECK(delay({date, {"Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"}}) == 1s);
  CHECK(delay({{"RateLimit-Remaining", "0"}, {"RateLimit-Reset", "30"}}) == 30s);
  CHECK_FALSE(delay({{"RateLimit-Remaining", "1"}, {"RateLimit-Reset", "30"}}));
  CHECK(delay({{"RateLimit", "limit=100, remaining=0, reset=50"}}) == 50s);
  const Header recent{"Date", "Sat, 01 Jan 2022 00:00:00 GMT"};
  CHECK(delay({recent, {"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1640995260"}}) == 60s);
}

TEST_CASE("only addresses of the public Internet are public") {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                           "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"}) {
    CAPTURE(text);
    CHECK(is_public(asio::ip::make_address(text)));
  }
  for (const char* text : {"127.0.0.1",
                           "127.255.0.1",
                           "0.0.0.0",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "240.0.0.1",
                           "::",
                           "::1",
                           "fe80::1",
                           "fec0::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::127.0.0.1",
                           "2002:7f00:1::",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::808:808",
                           "2001::1",
                           "2001:db8::1"}) {
    CAPTURE(text);
    CHECK_FALSE(is_public(asio::ip::make_address(text)));
  }
}

TEST_CASE("address families take turns, the resolver's favourite first") {
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const char* text : {"2606::1", "2606::2", "2606::3", "8.8.8.8", "8.8.4.4"}) {
    endpoints.emplace_back(asio::ip::make_address(text), 80);
  }
  std::string order;
  for (const auto& endpoint : interleaved(endpoints)) order += endpoint.address().to_string() + " ";
  CHECK(order == "2606::1 8.8.8.8 2606::2 8.8.4.4 2606::3 ");
  CHECK(interleaved({}).empty());
}

TEST_CASE("no header leaks on any change of origin") {
  int cases = 0;
  for (const char* from : {"http://a/x", "https://a/x", "http://a:81/x"}) {
    for (const char* to :
         {"http://a/y", "https://a/y", "http://a:81/y", "http://b/y", "https://a:444/y", "//b/y", "/y", "y"}) {
      for (int status : {301, 302, 303, 307, 308}) {
        for (const char* name :
             {"Authorization", "authorization", "COOKIE", "X-Token", "Proxy-Authorization", "Accept-Language"}) {
          bgxfer::Request request(from);
          request.redirects.allow_https_to_http = true;
          request.headers = {{name, "marker"}};
          const Url start = *parse_url(from);
          RedirectTrail trail(request, start);
          Head head = head_with({{"Location", to}});
          head.status = status;
          REQUIRE(is_redirect(status));
          REQUIRE(trail.follow(head));
          const bool stays = trail.here().origin == start.origin || std::string(name) == "Accept-Language";
          CHECK(request.headers.empty() == !stays);
          ++cases;
        }
      }
    }
  }
  CHECK(cases >= 200);
}

TEST_CASE("redirects of requests that sent something are followed only where that is safe") {
  bgxfer::Request request("http://a/");
  request.method = "POST";
  RedirectTrail trail(request, *parse_url("http://a/"));
  Head head = head_with({{"Location", "/b"}});
  head.status = 307;
  CHECK(trail.follow(head).error().code() == bgxfer::Errc::redirect_refused);
  head.status = 303;
  CHECK(trail.follow(head));
  CHECK(request.method == "GET");
}

TEST_CASE("hops are counted") {
  bgxfer::Request request("http://a/0");
  request.redirects.hops_max = 3;
  RedirectTrail trail(request, *parse_url("http://a/0"));
  for (int i = 1; i <= 3; ++i) CHECK(trail.follow(head_with({{"Location", "/" + std::to_string(i)}})));
  CHECK(trail.follow(head_with({{"Location", "/4"}})).error().code() == bgxfer::Errc::too_many_redirects);
}
