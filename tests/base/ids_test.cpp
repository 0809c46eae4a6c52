#include <bgxfer/ids.hpp>

#include <doctest/doctest.h>

using bgxfer::JobId;

TEST_CASE("a job id is a version 4 UUID that reads back as itself") {
  const JobId id = JobId::from_random(0x0123456789abcdefULL, 0xffffffffffffffffULL);
  CHECK(id.to_string() == "01234567-89ab-4def-bfff-ffffffffffff");
  CHECK(JobId::parse(id.to_string()) == id);
  CHECK(JobId::parse("01234567-89AB-4DEF-BFFF-FFFFFFFFFFFF") == id);
}

TEST_CASE("what is not a UUID is refused") {
  for (const char* text : {"", "01234567", "01234567-89ab-4def-bfff-fffffffffff",
                           "01234567-89ab-4def-bfff-fffffffffffg", "0123456789ab-4def-bfff-ffffffffffff0",
                           "01234567-89ab-4def-bfff-ffffffffffff0", "{1234567-89ab-4def-bfff-ffffffffffff"}) {
    CAPTURE(text);
    CHECK_FALSE(JobId::parse(text));
  }
}

TEST_CASE("ids differ where their bits differ") {
  CHECK(JobId::from_random(1, 2) != JobId::from_random(1, 3));
  CHECK(JobId() == JobId());
}
