#include "model/retry.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "support/random_changes.hpp"

using namespace bgxfer::detail;
using namespace std::chrono_literals;
using bgxfer::JobOptions;
using bgxfer::Limits;

namespace {

JobOptions options_of(std::chrono::milliseconds least, std::chrono::milliseconds most,
                      std::chrono::milliseconds budget) {
  JobOptions options;
  options.retry_delay_min = least;
  options.retry_delay_max = most;
  options.no_progress_timeout = budget;
  return options;
}

}  // namespace

TEST_CASE("a delay lies between the minimum and a bound that doubles up to the maximum") {
  const JobOptions options = options_of(1s, 10s, 24h);
  bgxfer_tests::Dice dice(1);
  for (std::uint32_t attempts = 1; attempts <= 40; ++attempts) {
    CAPTURE(attempts);
    const auto bound = attempts <= 4 ? std::chrono::milliseconds{1000 << (attempts - 1)} : 10'000ms;
    std::chrono::milliseconds least = 1h;
    std::chrono::milliseconds most = 0ms;
    for (int i = 0; i < 2000; ++i) {
      const auto delay = retry_delay(options, Limits(), Failed{attempts, 0s, {}}, dice.bits());
      REQUIRE(delay);
      least = std::min(least, *delay);
      most = std::max(most, *delay);
    }
    CHECK(least >= 1000ms);
    CHECK(most <= bound);
    // Full jitter uses the whole width.
    CHECK(least - 1000ms <= (bound - 1000ms) / 20);
    CHECK(bound - most <= (bound - 1000ms) / 20);
  }
}

TEST_CASE("the extremes of the random number give the extremes of the delay") {
  const JobOptions options = options_of(1s, 600s, 24h);
  CHECK(retry_delay(options, Limits(), Failed{3, 0s, {}}, 0) == 1000ms);
  CHECK(retry_delay(options, Limits(), Failed{3, 0s, {}}, 3000) == 4000ms);
  CHECK(retry_delay(options, Limits(), Failed{3, 0s, {}}, 3001) == 1000ms);
}

TEST_CASE("BITS waits the same time before every attempt") {
  for (std::uint32_t attempts : {1u, 2u, 100u}) {
    CHECK(retry_delay(JobOptions::bits(), Limits::bits(), Failed{attempts, 0s, {}}, 123456789) == 600s);
  }
}

TEST_CASE("a minimum of zero still backs off") {
  const JobOptions options = options_of(0s, 1s, 24h);
  CHECK(retry_delay(options, Limits(), Failed{1, 0s, {}}, 999) == 0ms);
  CHECK(retry_delay(options, Limits(), Failed{12, 0s, {}}, 1000) == 1000ms);
}

TEST_CASE("the queue's floor raises a smaller minimum") {
  Limits limits;
  limits.retry_delay_floor = 5s;
  CHECK(retry_delay(options_of(1s, 2s, 24h), limits, Failed{1, 0s, {}}, 77) == 5s);
}

TEST_CASE("a server's wish is a lower bound, cut to the limit") {
  Limits limits;
  limits.retry_after_max = 60s;
  const JobOptions options = options_of(1s, 1s, 24h);
  CHECK(retry_delay(options, limits, Failed{1, 0s, 30s}, 0) == 30s);
  CHECK(retry_delay(options, limits, Failed{1, 0s, 3600s}, 0) == 60s);
  CHECK(retry_delay(options, limits, Failed{1, 0s, 10ms}, 0) == 1s);
}

TEST_CASE("a job without progress for its whole budget is not tried again") {
  const JobOptions options = options_of(1s, 10s, 60s);
  CHECK(retry_delay(options, Limits(), Failed{5, 60s - 1ns, {}}, 0));
  CHECK_FALSE(retry_delay(options, Limits(), Failed{5, 60s, {}}, 0));
}

TEST_CASE("a budget of zero, or less than the minimum, means that the first failure is the last") {
  CHECK_FALSE(retry_delay(options_of(1s, 10s, 0s), Limits(), Failed{}, 0));
  CHECK_FALSE(retry_delay(options_of(0s, 10s, 0s), Limits(), Failed{}, 0));
  CHECK_FALSE(retry_delay(options_of(1001ms, 10s, 1s), Limits(), Failed{}, 0));
  CHECK(retry_delay(options_of(1s, 10s, 1s), Limits(), Failed{}, 0) == 1s);
}

TEST_CASE("the largest delays do not overflow") {
  const auto greatest = std::chrono::milliseconds{std::int64_t{1} << 53};
  const auto delay =
      retry_delay(options_of(1s, greatest, greatest), Limits(), Failed{0xffffffff, 0s, {}}, ~std::uint64_t{0});
  REQUIRE(delay);
  CHECK(*delay <= greatest);
}
