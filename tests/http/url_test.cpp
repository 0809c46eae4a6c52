#include "http/url.hpp"

#include <string>

#include <doctest/doctest.h>

using bgxfer::Errc;
using bgxfer::http::detail::Origin;
using bgxfer::http::detail::parse_url;
using bgxfer::http::detail::resolve;
using bgxfer::http::detail::Url;

TEST_CASE("a URL is taken apart and normalised") {
  const auto url = parse_url("HTTPS://Example.ORG:8443/a/b%20c?q=1&r=/?#frag");
  REQUIRE(url);
  CHECK(url->origin == Origin{true, "example.org", 8443});
  CHECK(url->path == "/a/b%20c");
  CHECK(url->query == "?q=1&r=/?");
  CHECK(url->to_string() == "https://example.org:8443/a/b%20c?q=1&r=/?");
  CHECK(parse_url("http://example.org.")->to_string() == "http://example.org/");
  CHECK(parse_url("http://example.org:80?x")->to_string() == "http://example.org/?x");
  CHECK(parse_url("http://example.org:/")->origin.port == 80);
  CHECK(parse_url("http://[2001:DB8::1]:81/")->origin.host == "2001:db8::1");
  CHECK(parse_url("http://[2001:DB8:0::1]:81/")->to_string() == "http://[2001:db8::1]:81/");
  CHECK(parse_url("http://127.0.0.1/")->origin.host == "127.0.0.1");
  CHECK(parse_url("http://xn--bcher-kva.example/")->origin.host == "xn--bcher-kva.example");
}

TEST_CASE("printing a URL and reading it again changes nothing") {
  for (const char* text : {"http://h/", "https://h:8080/a?b", "http://[::1]/x", "http://10.0.0.1:1/%41"}) {
    const auto once = parse_url(text);
    REQUIRE(once);
    CHECK(*parse_url(once->to_string()) == *once);
  }
}

TEST_CASE("what is not a plain http URL is refused") {
  for (const char* text : {"",
                           "http",
                           "http:",
                           "http:/h",
                           "http:h",
                           "//h/",
                           "/p",
                           "ftp://h/",
                           "file:///x",
                           "javascript:alert(1)",
                           "http://",
                           "http:///p",
                           "http://?q",
                           "http://u@h/",
                           "http://u:p@h/",
                           "http://h/a b",
                           "http://h/a\tb",
                           "http://h/\x01",
                           "http://h\\p/",
                           "http://h/\\p",
                           "http://h%41/",
                           "http://h/%",
                           "http://h/%4",
                           "http://h/%zz",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:99999999999/",
                           "http://h:-1/",
                           "http://h:+1/",
                           "http://h:8x/",
                           "http://h:80:80/",
                           "http://.h/",
                           "http://a..b/",
                           "http://h../",
                           "http://./",
                           "http://-h/",
                           "http://h-/",
                           "http://h_/\xc3\xa4",
                           "http://b\xc3\xbc"
                           "cher/",
                           "http://[::1/",
                           "http://::1/",
                           "http://[::1]x/",
                           "http://[fe80::1%25eth0]/",
                           "http://[]/",
                           "http://[v1.x]/",
                           "http://127.1/",
                           "http://0x7f.1/",
                           "http://0x7f000001/",
                           "http://2130706433/",
                           "http://0177.0.0.1/",
                           "http://1.2.3.4.5/",
                           "http://256.1.1.1/",
                           "http://1.2.3.04/",
                           "http://h/<x>",
                           "http://h/{x}",
                           "http://h/|",
                           "http://h/\"",
                           "http://h/^",
                           "http://h/`",
                           "http://h/[x]",
                           " http://h/",
                           "http://h/ ",
                           "http://h;x/",
                           "http://h,i/",
                           "http://h'x/"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code() == Errc::invalid_url);
  }
  CHECK(parse_url(std::string("http://h/\0x", 11)).error().code() == Errc::invalid_url);
  CHECK(parse_url("http://h/" + std::string(9000, 'a')).error().code() == Errc::string_too_long);
  CHECK_FALSE(parse_url("http://" + std::string(64, 'a') + "/"));
  CHECK(parse_url("http://" + std::string(63, 'a') + "/"));
}

TEST_CASE("a reference is resolved as in RFC 3986 section 5.4") {
  const Url base = *parse_url("http://a/b/c/d;p?q");
  const auto leads_to = [&base](const char* location) {
    const auto url = resolve(base, location);
    return url ? url->to_string() : "refused";
  };
  CHECK(leads_to("g") == "http://a/b/c/g");
  CHECK(leads_to("./g") == "http://a/b/c/g");
  CHECK(leads_to("g/") == "http://a/b/c/g/");
  CHECK(leads_to("/g") == "http://a/g");
  CHECK(leads_to("//g") == "http://g/");
  CHECK(leads_to("?y") == "http://a/b/c/d;p?y");
  CHECK(leads_to("g?y") == "http://a/b/c/g?y");
  CHECK(leads_to("#s") == "http://a/b/c/d;p?q");
  CHECK(leads_to("g?y#s") == "http://a/b/c/g?y");
  CHECK(leads_to(";x") == "http://a/b/c/;x");
  CHECK(leads_to("") == "http://a/b/c/d;p?q");
  CHECK(leads_to(".") == "http://a/b/c/");
  CHECK(leads_to("..") == "http://a/b/");
  CHECK(leads_to("../g") == "http://a/b/g");
  CHECK(leads_to("../..") == "http://a/");
  CHECK(leads_to("../../../g") == "http://a/g");
  CHECK(leads_to("/./g") == "http://a/g");
  CHECK(leads_to("/../g") == "http://a/g");
  CHECK(leads_to("g.") == "http://a/b/c/g.");
  CHECK(leads_to("..g") == "http://a/b/c/..g");
  CHECK(leads_to("./g/.") == "http://a/b/c/g/");
  CHECK(leads_to("g/../h") == "http://a/b/c/h");
  CHECK(leads_to("https://x:1/y/../z") == "https://x:1/z");
}

TEST_CASE("a careless Location is encoded, never obeyed to the letter") {
  const Url base = *parse_url("http://a/b");
  CHECK(resolve(base, "/x y").value().to_string() == "http://a/x%20y");
  CHECK(resolve(base, "  /x  ").value().to_string() == "http://a/x");
  CHECK(resolve(base, "/\xc3\xa4").value().to_string() == "http://a/%C3%A4");
  CHECK(resolve(base, "/100%").value().to_string() == "http://a/100%25");
  CHECK(resolve(base, "/a[1]|\\").value().to_string() == "http://a/a%5B1%5D%7C%5C");
  CHECK(resolve(base, "HTTP://H/x").value().to_string() == "http://h/x");
  for (const char* location :
       {"ftp://h/", "http:x", "javascript:x", "http://u@h/", "//u:p@h/", "http://h\\@i/", "http://", "//"}) {
    CAPTURE(location);
    CHECK_FALSE(resolve(base, location));
  }
}

TEST_CASE("what only looks like a scheme is none, and what only looks like a number is a name") {
  const Url base = *parse_url("http://a/b");
  for (const char* other : {"h2+x-y.z://b/", "ftp://b/", "http:b"}) {
    CAPTURE(other);
    CHECK_FALSE(resolve(base, other));
  }
  CHECK(resolve(base, "x_y:z")->to_string() == "http://a/x_y:z");
  CHECK(resolve(base, "1:2")->to_string() == "http://a/1:2");
  CHECK(resolve(base, "%zz%4?%")->to_string() == "http://a/%25zz%254?%25");
  CHECK(parse_url("http://1.0xyz/")->origin.host == "1.0xyz");
  CHECK_FALSE(parse_url("http://1.0x7f/"));
  CHECK_FALSE(parse_url("http://1.2.3/"));
  CHECK(parse_url("http://a-b_c/")->origin.host == "a-b_c");
}

TEST_CASE("a host and a redirect's URL have their limits") {
  std::string host = "a";
  while (host.size() < 253) host += ".a";
  CHECK(parse_url("http://" + host + "/"));
  CHECK_FALSE(parse_url("http://" + host + ".a/"));
  CHECK(resolve(*parse_url("http://a/"), std::string(bgxfer::http::detail::url_bytes_max + 1, 'p')).error().code() ==
        Errc::string_too_long);
}

TEST_CASE("an address of IPv6 is printed in brackets, with a port only where it needs one") {
  CHECK(parse_url("http://[2001:DB8::0:1]:80/")->to_string() == "http://[2001:db8::1]/");
  CHECK(parse_url("https://[::1]:80/")->to_string() == "https://[::1]:80/");
}
