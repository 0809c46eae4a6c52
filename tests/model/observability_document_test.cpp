// docs/observability.md has a table of the log's events and one of the figures. This test reads the page and holds it
// against the code.
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <bgxfer/log.hpp>
#include <bgxfer/metrics.hpp>

#include "support/source_dir.hpp"

using namespace bgxfer;

namespace {

/// The first cells of each row that begins with a name in backquotes: without the last, which is prose, joined by
/// spaces.
std::multiset<std::string> rows_of_page(std::size_t cells) {
  std::ifstream page(bgxfer_tests::source_dir() / "docs/observability.md");
  REQUIRE(page);
  std::multiset<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> found;
    std::istringstream text(line.substr(2));
    for (std::string cell; std::getline(text, cell, '|');) found.push_back(cell);
    if (found.size() != cells + 1) continue;
    std::string row;
    for (std::size_t i = 0; i < cells; ++i) {
      for (const char c : found[i]) {
        if (c != '`' && c != ' ') row += c;
      }
      row += ' ';
    }
    rows.insert(row);
  }
  return rows;
}

}  // namespace

TEST_CASE("docs/observability.md lists every event of the log with its level, and no other") {
  std::multiset<std::string> events;
  for (const LogEvent event : log_events()) {
    events.insert(std::string(to_string(event)) + " " + std::string(to_string(level_of(event))) + " ");
  }
  CHECK(rows_of_page(2) == events);
}

TEST_CASE("docs/observability.md lists every figure with its kind and unit, and no other") {
  std::multiset<std::string> figures;
  for (const MetricValue& value : list(Metrics())) {
    const std::string kind = value.kind == MetricValue::Kind::counter ? "counter" : "gauge";
    figures.insert(std::string(value.name) + " " + kind + " " + std::string(value.unit) + " ");
  }
  CHECK(rows_of_page(3) == figures);
}
