#include "date.hpp"

#include <array>
#include <cstdint>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Reads the parts of a date from left to right; one miss spoils the whole.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  bool literal(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  std::optional<int> number(std::size_t digits, bool space_padded = false) noexcept {
    std::string_view text = rest_.substr(0, digits);
    if (text.size() != digits) return std::nullopt;
    rest_.remove_prefix(digits);
    if (space_padded && text.front() == ' ') text.remove_prefix(1);
    const std::optional<std::uint64_t> value = parse_number(text);
    if (!value) return std::nullopt;
    return static_cast<int>(*value);
  }

  std::optional<unsigned> month() noexcept {
    static constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < names.size(); ++i) {
      if (literal(names[i])) return i + 1;
    }
    return std::nullopt;
  }

  /// Skips a day's name. It says nothing that the date does not say.
  bool weekday() noexcept {
    std::size_t letters = 0;
    while (letters < rest_.size() && is_alpha(rest_[letters])) ++letters;
    rest_.remove_prefix(letters);
    return letters >= 3 && letters <= 9;
  }

  struct Time {
    int hour = 0, minute = 0, second = 0;
  };
  std::optional<Time> time() noexcept {
    const std::optional<int> hour = number(2);
    if (!hour || !literal(":")) return std::nullopt;
    const std::optional<int> minute = number(2);
    if (!minute || !literal(":")) return std::nullopt;
    const std::optional<int> second = number(2);
    if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return Time{*hour, *minute, *second};
  }

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<Date> make_date(std::optional<int> year, std::optional<unsigned> month, std::optional<int> day,
                              std::optional<DateReader::Time> time) noexcept {
  if (!year || !month || !day || !time) return std::nullopt;
  const std::chrono::year_month_day calendar{std::chrono::year(*year), std::chrono::month(*month),
                                             std::chrono::day(static_cast<unsigned>(*day))};
  if (!calendar.ok()) return std::nullopt;
  return std::chrono::sys_days(calendar) + std::chrono::hours(time->hour) + std::chrono::minutes(time->minute) +
         std::chrono::seconds(time->second);
}

/// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Date> parse_imf_date(DateReader reader) noexcept {
  if (!reader.weekday() || !reader.literal(", ")) return std::nullopt;
  const std::optional<int> day = reader.number(2);
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<unsigned> month = reader.month();
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<int> year = reader.number(4);
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<DateReader::Time> time = reader.time();
  if (!reader.literal(" GMT") || !reader.done()) return std::nullopt;
  return make_date(year, month, day, time);
}

/// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<Date> parse_rfc850_date(DateReader reader) noexcept {
  if (!reader.weekday() || !reader.literal(", ")) return std::nullopt;
  const std::optional<int> day = reader.number(2);
  if (!reader.literal("-")) return std::nullopt;
  const std::optional<unsigned> month = reader.month();
  if (!reader.literal("-")) return std::nullopt;
  std::optional<int> year = reader.number(2);
  if (!year || !reader.literal(" ")) return std::nullopt;
  *year += *year < 70 ? 2000 : 1900;
  const std::optional<DateReader::Time> time = reader.time();
  if (!reader.literal(" GMT") || !reader.done()) return std::nullopt;
  return make_date(year, month, day, time);
}

/// Sun Nov  6 08:49:37 1994
std::optional<Date> parse_asctime_date(DateReader reader) noexcept {
  if (!reader.weekday() || !reader.literal(" ")) return std::nullopt;
  const std::optional<unsigned> month = reader.month();
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<int> day = reader.number(2, true);
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<DateReader::Time> time = reader.time();
  if (!reader.literal(" ")) return std::nullopt;
  const std::optional<int> year = reader.number(4);
  if (!reader.done()) return std::nullopt;
  return make_date(year, month, day, time);
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) noexcept {
  const DateReader reader(trimmed(text));
  std::optional<Date> date = parse_imf_date(reader);
  if (!date) date = parse_rfc850_date(reader);
  if (!date) date = parse_asctime_date(reader);
  using Wall = std::chrono::system_clock::time_point;
  const bool representable = date && *date > std::chrono::ceil<std::chrono::seconds>(Wall::min()) &&
                             *date < std::chrono::floor<std::chrono::seconds>(Wall::max());
  return representable ? date : std::nullopt;
}

}  // namespace bgxfer::inline v0::http::detail
