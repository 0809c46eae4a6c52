// docs/http.md shows the class of every HTTP status. This test reads the page and holds it against the code.
#include <bgxfer/error.hpp>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/source_dir.hpp"

using bgxfer::Failure;
using bgxfer::http_status;

namespace {

struct Row {
  std::string ours{};
  std::string bits{};
  std::string why{};
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '|');) {
    cell.erase(0, cell.find_first_not_of(' '));
    cell.erase(cell.find_last_not_of(' ') + 1);
    cells.push_back(cell);
  }
  return cells;
}

/// `400 to 407` and `408, 409`, one after the other.
std::map<int, Row> rows_of_page() {
  std::ifstream page(bgxfer_tests::source_dir() / "docs/http.md");
  REQUIRE(page);
  std::map<int, Row> rows;
  for (std::string line; std::getline(page, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != 5 || (cells[2] != "permanent" && cells[2] != "transient")) continue;
    std::istringstream statuses(cells[1]);
    for (std::string part; std::getline(statuses, part, ',');) {
      int first = 0;
      int last = 0;
      std::string to;
      std::istringstream words(part);
      REQUIRE(static_cast<bool>(words >> first));
      if (!(words >> to >> last)) last = first;
      for (int status = first; status <= last; ++status) {
        CHECK_MESSAGE(rows.count(status) == 0, status, " has two rows");
        rows[status] = Row{cells[2], cells[3], cells[4]};
      }
    }
  }
  return rows;
}

/// The rule of BITS (spec part 7.3).
bool transient_in_bits(int status) {
  if (status < 400) return !((status >= 300 && status <= 305) || status == 307);
  if (status < 500) return status == 408 || status == 409;
  return status != 501 && status != 505;
}

}  // namespace

TEST_CASE("7.3: every HTTP status has the class that the page shows, and differs from BITS only where it says why") {
  const std::map<int, Row> rows = rows_of_page();
  for (int status = 300; status <= 599; ++status) {
    CAPTURE(status);
    const auto found = rows.find(status);
    REQUIRE(found != rows.end());
    const Row& row = found->second;
    const bool transient = http_status(status) == Failure::transient;
    const bool permanent = http_status(status) == Failure::permanent;
    CHECK(transient != permanent);
    CHECK(row.ours == (transient ? "transient" : "permanent"));
    CHECK(row.bits == (transient_in_bits(status) ? "transient" : "permanent"));
    if (row.ours != row.bits) CHECK_FALSE(row.why.empty());
  }
}
