#include "job_list.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "arguments.hpp"

namespace bgx {

bgxfer::Job find_job(const bgxfer::TransferQueue& queue, const std::string& text) {
  std::string wanted = text;
  for (char& c : wanted) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::optional<bgxfer::Job> found;
  if (!wanted.empty()) {
    for (const bgxfer::Job& job : queue.jobs()) {
      if (!job.id().to_string().starts_with(wanted)) continue;
      if (found) throw UsageError(fmt::format("several jobs begin with {}; give more of the id", text));
      found = job;
    }
  }
  if (!found) throw UsageError(fmt::format("there is no job {}; `bgx list` shows those that there are", text));
  return *found;
}

std::size_t short_id_length(const std::vector<bgxfer::Job>& jobs) {
  std::size_t length = 8;
  std::vector<std::string> ids;
  ids.reserve(jobs.size());
  for (const bgxfer::Job& job : jobs) ids.push_back(job.id().to_string());
  std::sort(ids.begin(), ids.end());
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto differ = std::mismatch(ids[i - 1].begin(), ids[i - 1].end(), ids[i].begin()).first - ids[i - 1].begin();
    length = std::max(length, static_cast<std::size_t>(differ) + 1);
  }
  return length;
}

bgxfer::JobState resting_state(const bgxfer::Job& job) {
  const bgxfer::JobState state = job.state();
  return bgxfer::is_running(state) ? bgxfer::JobState::queued : state;
}

}  // namespace bgx
