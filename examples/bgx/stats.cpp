#include "stats.hpp"

#include <string>

#include <fmt/format.h>

#include "json_lines.hpp"

namespace bgx {

void print_stats(const bgxfer::Metrics& metrics, bool json) {
  std::string line = "{\"event\":\"stats\"";
  for (const bgxfer::MetricValue& it : bgxfer::list(metrics)) {
    if (json) {
      line += fmt::format(",\"{}\":{}", it.name, it.value);
    } else {
      fmt::print("{:<24}{:>16}{}\n", it.name, it.value, it.unit == "bytes" ? " B" : "");
    }
  }
  if (json) print_line(line + "}");
}

}  // namespace bgx
