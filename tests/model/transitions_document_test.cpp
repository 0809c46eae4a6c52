// docs/concepts.md shows the table of transitions. This test reads the page and holds it against the code.
#include "model/transitions.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "support/source_dir.hpp"

using namespace bgxfer::detail;
using bgxfer::JobState;

namespace {

/// Row, from, stimulus, to. States as words, sorted.
using Line = std::tuple<std::string, std::set<std::string>, std::string, std::string>;

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) parts.push_back(trimmed(part));
  return parts;
}

/// Rows of the page that have a stimulus; the names of all rows go to `names`.
std::multiset<Line> lines_of_page(std::set<std::string>& names) {
  std::ifstream page(bgxfer_tests::source_dir() / "docs/concepts.md");
  REQUIRE(page);
  std::multiset<Line> lines;
  for (std::string text; std::getline(page, text);) {
    if (!text.starts_with("| T")) continue;
    const std::vector<std::string> cells = split(text, '|');  // The first is what stands before the first bar.
    REQUIRE(cells.size() == 6);
    CHECK_FALSE(cells[5].empty());
    names.insert(cells[1]);
    if (cells[3] == "-") continue;
    const std::vector<std::string> from = split(cells[2], ',');
    lines.insert({cells[1], {from.begin(), from.end()}, cells[3], cells[4]});
  }
  return lines;
}

std::multiset<Line> lines_of_code() {
  std::multiset<Line> lines;
  for (const Transition& row : transitions()) {
    std::set<std::string> from;
    for (unsigned state = 0; state <= static_cast<unsigned>(JobState::cancelled); ++state) {
      if (row.from >> state & 1) from.insert(std::string(to_string(static_cast<JobState>(state))));
    }
    lines.insert({std::string(row.row), from, std::string(to_string(row.stimulus)),
                  row.to ? std::string(to_string(*row.to)) : "-"});
  }
  return lines;
}

std::string text_of(const std::multiset<Line>& lines) {
  std::string text;
  for (const auto& [row, from, stimulus, to] : lines) {
    text += row + ":";
    for (const std::string& state : from) text += " " + state;
    text += " + " + stimulus + " -> " + to + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the table of transitions is the one that docs/concepts.md shows") {
  std::set<std::string> names;
  CHECK(text_of(lines_of_page(names)) == text_of(lines_of_code()));
  CHECK(names.size() == 35);
  for (int row = 1; row <= 35; ++row) CHECK(names.contains("T" + std::to_string(row)));
}
