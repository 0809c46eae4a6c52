#include <bgxfer/format.hpp>

#include <doctest/doctest.h>

using namespace bgxfer;
using namespace std::chrono_literals;

TEST_CASE("progress is printed as far as it is known") {
  Progress progress;
  progress.bytes_transferred = 3 << 19;
  CHECK(fmt::format("{}", progress) == "1.5 MiB");
  progress.bytes_total = 3 << 20;
  CHECK(fmt::format("{}", progress) == "1.5 of 3.0 MiB");
  progress.bytes_per_second = 1 << 19;
  progress.time_left = 3s;
  CHECK(fmt::format("{}", progress) == "1.5 of 3.0 MiB, 0.5 MiB/s, 3 s left");
  CHECK(fmt::format("{:>10}", JobState::queued) == "    queued");
}
