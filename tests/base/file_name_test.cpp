#include "base/file_name.hpp"

#include <string>

#include <doctest/doctest.h>

using bgxfer::Errc;
using bgxfer::detail::check_place_text;
using bgxfer::detail::check_target_text;
using bgxfer::detail::is_lawful_file_name;

TEST_CASE("ordinary names are lawful, in any script") {
  for (const char* name :
       {"a", "netinst.iso", ".hidden", "a b", "con-1.txt", "console", "com10", "com", "lpt", "comx", "nullable.txt",
        "\xc3\xbc"
        "ber.txt",
        "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x93\xa6"}) {
    CAPTURE(name);
    CHECK(is_lawful_file_name(name));
  }
  CHECK(is_lawful_file_name(std::string(255, 'x')));
}

TEST_CASE("names that some platform would change, refuse or misread are unlawful") {
  using namespace std::string_view_literals;
  for (std::string_view name :
       {""sv,         "."sv,           ".."sv,       "..."sv,      "a."sv,    "a "sv,   "a/b"sv,
        "a\\b"sv,     "a:b"sv,         "a\0b"sv,     "a\nb"sv,     "a\x7f"sv, "con"sv,  "CON"sv,
        "Con.txt"sv,  "nul.tar.gz"sv,  "nul .txt"sv, "prn"sv,      "aux"sv,   "com1"sv, "COM0"sv,
        "lpt9.log"sv, "com\xc2\xb9"sv, "conin$"sv,   "CONOUT$.x"sv}) {
    CAPTURE(std::string(name));
    CHECK_FALSE(is_lawful_file_name(name));
  }
  CHECK_FALSE(is_lawful_file_name(std::string(256, 'x')));
}

TEST_CASE("what is not UTF-8 is no name") {
  for (const char* name : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5",
                           "a\xff", "\xe6\x97", "\xf0\x9f\x93"}) {
    CHECK_FALSE(is_lawful_file_name(name));
  }
}

TEST_CASE("a target is absolute and goes down only") {
  CHECK(check_target_text("/downloads/a.iso"));
  CHECK(check_target_text("a.iso").error().code() == Errc::relative_target);
  CHECK(check_target_text("").error().code() == Errc::relative_target);
  CHECK(check_target_text("/downloads/../etc/passwd").error().code() == Errc::unsafe_target);
  CHECK(check_target_text("/downloads/./a").error().code() == Errc::unsafe_target);
  CHECK(check_target_text("/downloads/").error().code() == Errc::unsafe_target);
  CHECK(check_target_text("/").error().code() == Errc::unsafe_target);
  CHECK(check_target_text("/downloads/nul").error().code() == Errc::unsafe_target);
  CHECK(check_target_text(std::string("/down\0loads/a", 13)).error().code() == Errc::unsafe_target);
}

TEST_CASE("a temporary name is one lawful component, and not the final one") {
  CHECK(check_place_text("/d/a", ".a.part"));
  CHECK(check_place_text("/d/a", "a").error().code() == Errc::unsafe_target);
  CHECK(check_place_text("/d/a", "../b").error().code() == Errc::unsafe_target);
  CHECK(check_place_text("/d/a", "").error().code() == Errc::unsafe_target);
}
