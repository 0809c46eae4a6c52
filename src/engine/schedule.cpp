#include "schedule.hpp"

#include <algorithm>
#include <tuple>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Fills up to `places` with the best of `line`, and says who starts, who stops and when to look again.
void fill(std::span<const Candidate> jobs, std::vector<std::size_t>& line, std::size_t places, const Limits& limits,
          Clock::TimePoint now, Schedule& schedule) {
  const auto keeps_turn = [&](const Candidate& job) {
    return job.running && now < job.slice_began + limits.time_slice;
  };
  const auto rank = [&](std::size_t i) {
    const Candidate& job = jobs[i];
    const bool used_up = job.running && !keeps_turn(job);
    // Within a priority: whoever has the turn, then those who wait in their order, then those whose turn is over.
    return std::tuple(job.priority, keeps_turn(job) ? 0 : used_up ? 2 : 1, job.place);
  };
  places = std::min(places, line.size());
  std::sort(line.begin(), line.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });

  for (std::size_t i = 0; i < line.size(); ++i) {
    const Candidate& job = jobs[line[i]];
    if (i < places && !job.running) schedule.start.push_back(line[i]);
    if (i >= places && job.running) schedule.stop.push_back(line[i]);
  }
  if (places == 0 || places == line.size()) return;

  // Somebody waits. A chosen job of the same priority must give way at the end of its slice.
  const Priority waiting = jobs[line[places]].priority;
  for (std::size_t i = 0; i < places; ++i) {
    const Candidate& job = jobs[line[i]];
    if (job.priority != waiting) continue;
    const Clock::TimePoint began = keeps_turn(job) ? job.slice_began : now;
    const Clock::TimePoint ends = began + limits.time_slice;
    schedule.look_again = std::min(schedule.look_again.value_or(ends), ends);
  }
}

}  // namespace

Schedule choose(std::span<const Candidate> jobs, const Limits& limits, Clock::TimePoint now) {
  std::vector<std::size_t> foreground;
  std::vector<std::size_t> background;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    (jobs[i].priority == Priority::foreground ? foreground : background).push_back(i);
  }
  const bool background_waits = !BGXFER_MUTANT(15) && !foreground.empty() && !limits.background_beside_foreground;

  Schedule schedule;
  fill(jobs, foreground, limits.foreground_jobs_max, limits, now, schedule);
  fill(jobs, background, background_waits ? 0 : limits.background_jobs_max, limits, now, schedule);
  return schedule;
}

}  // namespace bgxfer::inline v0::detail
