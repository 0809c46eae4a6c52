#include <bgxfer/result.hpp>

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

using namespace bgxfer;

TEST_CASE("a result made of nothing holds a value made of nothing, where there is one") {
  const Result<std::string> made;
  REQUIRE(made);
  CHECK(made->empty());
  struct NeedsName {
    explicit NeedsName(std::string) {}
  };
  static_assert(std::is_default_constructible_v<Result<int>>);
  static_assert(!std::is_default_constructible_v<Result<NeedsName>>);
  static_assert(std::is_default_constructible_v<Result<void>>);
}

TEST_CASE("a result without a value throws when it is asked for one") {
  Result<int> failed = Error(Errc::stalled, ErrorContext::transport, "example.org");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Errc::stalled);
  CHECK_THROWS_AS(std::move(failed).value(), std::system_error);
}
