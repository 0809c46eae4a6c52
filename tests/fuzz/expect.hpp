#ifndef BGXFER_TESTS_FUZZ_EXPECT_HPP
#define BGXFER_TESTS_FUZZ_EXPECT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.hpp"

namespace fuzz {

/// Ends the program, which is how libFuzzer learns that it has found something.
inline void expect(bool fact) {
  if (!fact) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The front of `rest` up to the next line feed, which is dropped.
inline std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

/// "Name: value" lines as the fields of a response that the parser might have let through.
inline bgxfer::http::detail::Head head_of(int status, std::string_view lines) {
  bgxfer::http::detail::Head head;
  head.status = status;
  while (!lines.empty() && head.fields.size() < 100) {
    const std::string_view line = take_line(lines);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    bgxfer::Header field;
    field.name = line.substr(0, colon);
    field.value = line.substr(colon + 1);
    const std::size_t begin = std::min(field.value.find_first_not_of(" \t"), field.value.size());
    field.value.erase(0, begin);
    field.value.erase(field.value.find_last_not_of(" \t") + 1);
    head.fields.push_back(std::move(field));
  }
  return head;
}

/// Whether no byte could end a line or a string early.
inline bool single_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace fuzz

#endif
