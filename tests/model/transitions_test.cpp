#include "model/transitions.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace bgxfer::detail;
using bgxfer::JobState;

TEST_CASE("no state has two ways to go for one stimulus") {
  for (unsigned state = 0; state <= static_cast<unsigned>(JobState::cancelled); ++state) {
    std::set<Stimulus> seen;
    for (const Transition& row : transitions()) {
      if ((row.from >> state & 1) == 0) continue;
      CAPTURE(row.row);
      CHECK(seen.insert(row.stimulus).second);
    }
  }
}

TEST_CASE("nothing leads out of a final state") {
  for (const Transition& row : transitions()) {
    CHECK(next_state(JobState::completed, row.stimulus) == std::nullopt);
    CHECK(next_state(JobState::cancelled, row.stimulus) == std::nullopt);
  }
}

TEST_CASE("a job goes its way from queued to completed") {
  JobState state = JobState::suspended;
  for (Stimulus stimulus : {Stimulus::resume, Stimulus::selected, Stimulus::connected, Stimulus::file_finished,
                            Stimulus::all_finished, Stimulus::complete}) {
    const auto next = next_state(state, stimulus);
    REQUIRE(next);
    state = *next;
  }
  CHECK(state == JobState::completed);
}

TEST_CASE("every stimulus has a name, and rows are those of the specification") {
  std::set<std::string_view> names;
  for (const Transition& row : transitions()) {
    names.insert(to_string(row.stimulus));
    CHECK(row.row.size() >= 2);
    CHECK(row.row.front() == 'T');
  }
  CHECK(names.size() == 31);
}
