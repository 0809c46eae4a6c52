#include <bgxfer/bits.hpp>

#include <set>
#include <string>

#include <doctest/doctest.h>

#include <bgxfer/detail/asio.hpp>

#include <asio/error.hpp>

using bgxfer::bits_code;
using bgxfer::bits_name;
using bgxfer::bits_text;
using bgxfer::Errc;

TEST_CASE("7.2: every error of ours has a code of BITS's") {
  for (int value = 1; value < 512; ++value) {
    const auto error = make_error_code(static_cast<Errc>(value));
    if (error.message() == "unknown error") continue;
    CAPTURE(error.message());
    CHECK(bits_code(error) != 0x80004005);
    CHECK((bits_code(error) & 0x80000000) != 0);
  }
}

TEST_CASE("7.2: codes have BITS's numbers, names and a text") {
  CHECK(bits_code(make_error_code(Errc::invalid_state)) == 0x80200002);
  CHECK(bits_code(make_error_code(Errc::empty_job)) == 0x80200003);
  CHECK(bits_code(make_error_code(Errc::network_disconnected)) == 0x80200010);
  CHECK(bits_code(bgxfer::Error(Errc::overlapping_ranges, bgxfer::ErrorContext::queue)) == 0x8020002C);
  CHECK(bits_name(0x80200003) == "BG_E_EMPTY");
  CHECK(bits_name(0x00200017) == "BG_S_PARTIAL_COMPLETE");
  CHECK(bits_text(0x80200010) == "there is no network");
  CHECK(bits_name(0x12345678) == "0x12345678");
  CHECK(bits_text(0x12345678).empty());
  CHECK(bits_code(std::error_code()) == 0);
}

TEST_CASE("7.3: an HTTP status is carried as 0x80190000 with the status in the low word") {
  CHECK(bits_code(bgxfer::http_status(404)) == 0x80190194);
  CHECK(bits_name(0x80190194) == "BG_E_HTTP_ERROR_404");
  CHECK(bits_text(0x80190194).find("404") != std::string::npos);
}

TEST_CASE("7.3: errors of the system and of the network have those of their relatives on Windows") {
  CHECK(bits_code(std::make_error_code(std::errc::permission_denied)) == 0x80070005);
  CHECK(bits_code(std::make_error_code(std::errc::no_space_on_device)) == 0x80070070);
  CHECK(bits_code(std::make_error_code(std::errc::not_enough_memory)) == 0x8007000E);
  CHECK(bits_code(asio::error::host_not_found) == 0x80072EE7);
  CHECK(bits_code(asio::error::connection_refused) == 0x80072EFD);
  CHECK(bits_code(asio::error::connection_reset) == 0x80072EFE);
  CHECK(bits_code(asio::error::timed_out) == 0x80072EE2);
  CHECK(bits_code(std::make_error_code(std::errc::bad_message)) == 0x80004005);
}
