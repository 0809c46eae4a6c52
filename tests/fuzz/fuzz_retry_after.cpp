// Whatever a server says about time: a wait is within its limits, a date is one of the calendar.
//
// Input: lines "Name: value" of a refusal; each is also read as a date.
#include "expect.hpp"
#include "http/date.hpp"
#include "http/retry_after.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view lines = fuzz::text_of(data, size);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::optional<Date> date = parse_date(fuzz::take_line(rest));
    if (!date) continue;
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(*date));
    expect(day.ok() && static_cast<int>(day.year()) >= 0 && static_cast<int>(day.year()) <= 9999);
  }
  const std::chrono::system_clock::time_point now{std::chrono::seconds{1'800'000'000}};
  const auto delay = retry_after_of(fuzz::head_of(429, lines), now);
  if (delay) expect(*delay >= retry_after_min && *delay <= retry_after_max);
  return 0;
}
