#include "http/date.hpp"

#include <chrono>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using bgxfer::http::detail::Date;
using bgxfer::http::detail::parse_date;

TEST_CASE("a year of two digits is one of the years from 1970 to 2069") {
  CHECK(parse_date("Sunday, 06-Nov-04 08:49:37 GMT") ==
        std::chrono::sys_days(std::chrono::year(2004) / 11 / 6) + 8h + 49min + 37s);
  CHECK(parse_date("Friday, 06-Nov-70 00:00:00 GMT") == std::chrono::sys_days(std::chrono::year(1970) / 11 / 6));
}

TEST_CASE("a date that ends early, goes on, or has one character that is wrong, is none") {
  for (const char* bad : {"",
                          "Sun",
                          "Su, 06 Nov 1994 08:49:37 GMT",
                          "Wednesdayss, 06 Nov 1994 08:49:37 GMT",
                          "Sun, 6",
                          "Sun, xx Nov 1994 08:49:37 GMT",
                          "Sun, 06-Nov 1994 08:49:37 GMT",
                          "Sun, 06 Nox 1994 08:49:37 GMT",
                          "Sun, 06 Nov-1994 08:49:37 GMT",
                          "Sun, 06 Nov 19x4 08:49:37 GMT",
                          "Sun, 06 Nov 1994-08:49:37 GMT",
                          "Sun, 06 Nov 1994 xx:49:37 GMT",
                          "Sun, 06 Nov 1994 08-49:37 GMT",
                          "Sun, 06 Nov 1994 08:xx:37 GMT",
                          "Sun, 06 Nov 1994 08:49-37 GMT",
                          "Sun, 06 Nov 1994 08:49:xx GMT",
                          "Sun, 06 Nov 1994 24:49:37 GMT",
                          "Sun, 06 Nov 1994 08:60:37 GMT",
                          "Sun, 06 Nov 1994 08:49:61 GMT",
                          "Sun, 06 Nov 1994 08:49",
                          "Sun, 06 Nov 1994 08:49:37 CET",
                          "Sun, 06 Nov 1994 08:49:37 GMT x",
                          "Sun, 31 Feb 1994 08:49:37 GMT",
                          "Sun, 06 Nov 0001 08:49:37 GMT",
                          "Sunday, 06-Nov 94 08:49:37 GMT",
                          "Sunday, 06-Nox-94 08:49:37 GMT",
                          "Sunday, xx-Nov-94 08:49:37 GMT",
                          "Sunday, 06-Nov-xx 08:49:37 GMT",
                          "Sunday, 06-Nov-94-08:49:37 GMT",
                          "Sunday, 06-Nov-94 24:49:37 GMT",
                          "Sunday, 06-Nov-94 08:49:37 CET",
                          "Sunday, 06-Nov-94 08:49:37 GMT x",
                          "Sun-Nov  6 08:49:37 1994",
                          "Sun Nox  6 08:49:37 1994",
                          "Sun Nov-06 08:49:37 1994",
                          "Sun Nov xx 08:49:37 1994",
                          "Sun Nov  6-08:49:37 1994",
                          "Sun Nov  6 25:49:37 1994",
                          "Sun Nov  6 08:49:37-1994",
                          "Sun Nov  6 08:49:37 19x4",
                          "Sun Nov  6 08:49:37 1994 x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_date(bad));
  }
}
