#include "file/file_url.hpp"

#include <string>

#include <doctest/doctest.h>

using bgxfer::Errc;
using bgxfer::Result;
using bgxfer::file::detail::path_of_url;

namespace {

std::string path_of(std::string_view url) {
  const Result<std::string> path = path_of_url(url);
  return path ? *path : "refused";
}

}  // namespace

TEST_CASE("a file URL names an absolute path (RFC 8089)") {
  CHECK(path_of("file:///a") == "/a");
  CHECK(path_of("file:///media/disc/data.pak") == "/media/disc/data.pak");
  CHECK(path_of("file://localhost/a") == "/a");
  CHECK(path_of("FILE://LocalHost/a") == "/a");
  CHECK(path_of("file:////a//b") == "/a/b");
  CHECK(path_of("file:///-._~!$&'()*+,;=:@") == "/-._~!$&'()*+,;=:@");
  CHECK(path_of("file:///...") == "/...");
  CHECK(path_of("file:///C:/games") == "/C:/games");
}

TEST_CASE("percent signs are decoded once, to any byte but those that no name should have") {
  CHECK(path_of("file:///a%20b%3F%23%25") == "/a b?#%");
  CHECK(path_of("file:///%c3%A4") == "/\xc3\xa4");
  CHECK(path_of("file:///%ff") == "/\xff");
  CHECK(path_of("file:///%2561") == "/%61");
}

TEST_CASE("what names no file, another machine or another place is refused with the reason") {
  struct Row {
    const char* url;
    const char* reason;
  };
  for (const Row& row : {
           Row{"", "file:///path"},
           Row{"/a", "file:///path"},
           Row{"http://h/a", "file:///path"},
           Row{"file:/a", "file:///path"},
           Row{"file:a", "file:///path"},
           Row{"file://", "names no file"},
           Row{"file:///", "names no file"},
           Row{"file://localhost", "names no file"},
           Row{"file:///a/", "names no file"},
           Row{"file:///a//", "names no file"},
           Row{"file://server/share/a", "mount the share"},
           Row{"file://127.0.0.1/a", "mount the share"},
           Row{"file://localhost:80/a", "mount the share"},
           Row{"file://user@localhost/a", "mount the share"},
           Row{"file://a", "mount the share"},
           Row{"file:///a?b", "no query"},
           Row{"file:///a#b", "no query"},
           Row{"file:///a/../b", "without"},
           Row{"file:///./b", "without"},
           Row{"file:///a/%2e%2E", "without"},
           Row{"file:///a/.%2e/b", "without"},
           Row{"file:///a%2fb", "slash"},
           Row{"file:///a%00b", "control"},
           Row{"file:///a%0Ab", "control"},
           Row{"file:///a%7f", "control"},
           Row{"file:///a%", "hexadecimal"},
           Row{"file:///a%4", "hexadecimal"},
           Row{"file:///a%4/b", "hexadecimal"},
           Row{"file:///a%g0", "hexadecimal"},
           Row{"file:///a b", "percent-encoded"},
           Row{"file:///a\xc3\xa4", "percent-encoded"},
           Row{"file:///a\\b", "percent-encoded"},
           Row{"file:///a\nb", "percent-encoded"},
       }) {
    CAPTURE(row.url);
    const Result<std::string> path = path_of_url(row.url);
    REQUIRE_FALSE(path);
    CHECK(path.error().code() == Errc::invalid_url);
    CHECK(path.error().detail().find(row.reason) != std::string::npos);
    CHECK(path.error().detail().find('\n') == std::string::npos);
  }
}

TEST_CASE("names and paths are as long as Linux allows, and no longer") {
  const std::string name(255, 'n');
  CHECK(path_of("file:///" + name) == "/" + name);
  CHECK(path_of("file:///" + name + "n") == "refused");
  CHECK(path_of("file:///" + std::string(254, 'n') + "%61") == "/" + std::string(254, 'n') + "a");

  std::string longest;
  for (int i = 0; i < 15; ++i) longest += "/" + name;  // 3840
  longest += "/" + std::string(254, 'n');
  REQUIRE(longest.size() == 4095);
  CHECK(path_of("file://" + longest) == longest);
  CHECK(path_of("file://" + longest + "n") == "refused");
}

TEST_CASE("a refusal keeps secrets and length out of its text") {
  const Result<std::string> secret = path_of_url("file://user:geheim@server/a?token=geheim");
  REQUIRE_FALSE(secret);
  CHECK(secret.error().message().find("geheim") == std::string::npos);
  const Result<std::string> endless = path_of_url("file:///" + std::string(100'000, ' '));
  REQUIRE_FALSE(endless);
  CHECK(endless.error().message().size() < 1000);
}
