#include "content_range.hpp"

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

std::optional<ContentRange> parse_content_range(std::string_view value) noexcept {
  value = trimmed(value);
  if (!equal_ignoring_case(value.substr(0, 5), "bytes")) return std::nullopt;
  value.remove_prefix(5);
  if (value.empty() || (value.front() != ' ' && value.front() != '=' && value.front() != ':')) return std::nullopt;
  value = trimmed(value.substr(1));

  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view span = trimmed(value.substr(0, slash));
  const std::string_view size = trimmed(value.substr(slash + 1));

  ContentRange result;
  if (size != "*") {
    result.resource_size = parse_number(size);
    if (!result.resource_size) return std::nullopt;
  }
  if (span == "*") return result.resource_size ? std::optional(result) : std::nullopt;

  const std::size_t dash = span.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> first = parse_number(trimmed(span.substr(0, dash)));
  const std::optional<std::uint64_t> last = parse_number(trimmed(span.substr(dash + 1)));
  if (!first || !last || *first > *last) return std::nullopt;
  if (result.resource_size && *last >= *result.resource_size) return std::nullopt;
  result.range = ByteRange::between(*first, *last + 1);
  return result;
}

}  // namespace bgxfer::inline v0::http::detail
