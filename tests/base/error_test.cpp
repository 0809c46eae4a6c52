#include <bgxfer/error.hpp>
#include <bgxfer/result.hpp>

#include <string>
#include <system_error>

#include <bgxfer/detail/asio.hpp>

#include <doctest/doctest.h>
#include <asio/error.hpp>

using bgxfer::Errc;
using bgxfer::Error;
using bgxfer::ErrorContext;
using bgxfer::Failure;
using bgxfer::Result;

TEST_CASE("any code of any category can be compared with Failure") {
  CHECK(std::error_code(Errc::stalled) == Failure::transient);
  CHECK(std::error_code(Errc::checksum_mismatch) == Failure::permanent);
  CHECK(std::error_code(Errc::cancelled) == Failure::cancelled);
  CHECK(std::make_error_code(std::errc::timed_out) == Failure::transient);
  CHECK(std::make_error_code(std::errc::connection_reset) == Failure::transient);
  CHECK(std::make_error_code(std::errc::permission_denied) == Failure::permanent);
  CHECK(std::make_error_code(std::errc::operation_canceled) == Failure::cancelled);
  CHECK(asio::error::make_error_code(asio::error::operation_aborted) == Failure::cancelled);
  CHECK(asio::error::make_error_code(asio::error::access_denied) == Failure::permanent);
  CHECK_FALSE(std::error_code() == Failure::transient);
}

TEST_CASE("HTTP statuses are classed as in spec part 7.3") {
  for (int status : {408, 409, 421, 425, 429, 500, 502, 503, 504, 507, 509, 520, 530}) {
    CAPTURE(status);
    CHECK(bgxfer::http_status(status) == Failure::transient);
  }
  for (int status :
       {300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 449, 451, 501, 505}) {
    CAPTURE(status);
    CHECK(bgxfer::http_status(status) == Failure::permanent);
  }
}

TEST_CASE("every Errc has a text of its own") {
  for (int value = 1; value < 100; ++value) {
    const std::error_code code(value, bgxfer::error_category());
    if (code.message() == "unknown error") continue;
    const bool judged = code == Failure::transient || code == Failure::permanent || code == Failure::cancelled;
    CHECK(judged);
  }
  CHECK(std::error_code(Errc::headers_needed).message() != "unknown error");
  CHECK(std::error_code(9999, bgxfer::error_category()).message() == "unknown error");
}

TEST_CASE("an error says what and where in one line") {
  const Error error(bgxfer::http_status(404), ErrorContext::remote_file, "https://example.org/a");
  CHECK(error.message() == "HTTP status 404: https://example.org/a");
  CHECK(to_string(error.context()) == "remote file");
  CHECK(error.with_file(3).file() == 3u);
  CHECK_FALSE(error.file().has_value());
  CHECK(error.with_retry_after(std::chrono::seconds{2}).retry_after() == std::chrono::milliseconds{2000});
}

TEST_CASE("a public URL has no user, no query and no fragment") {
  CHECK(bgxfer::public_url("https://u:p@h/a?sig=1#f") == "https://h/a");
  CHECK(bgxfer::public_url("https://h?sig=1") == "https://h");
  CHECK(bgxfer::public_url("https://h/a@b") == "https://h/a@b");
  CHECK(bgxfer::public_url("https://u@h") == "https://h");
  CHECK(bgxfer::public_url("https://a@b@h/x") == "https://h/x");
  CHECK(bgxfer::public_url("nonsense") == "nonsense");
}

TEST_CASE("a result holds a value or an error, and value() throws the error") {
  Result<std::string> good(std::string("x"));
  CHECK(good);
  CHECK(*good == "x");
  Result<std::string> bad(Error(Errc::stalled, ErrorContext::transport, "host"));
  CHECK_FALSE(bad);
  CHECK(bad.error().code() == Errc::stalled);
  CHECK_THROWS_AS(std::move(bad).value(), std::system_error);
  Result<void> done;
  CHECK(done);
  CHECK_NOTHROW(done.value());
  CHECK_THROWS_AS(Result<void>(Error(Errc::stalled, ErrorContext::transport)).value(), std::system_error);
}
