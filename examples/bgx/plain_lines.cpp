#include "plain_lines.hpp"

#include <fmt/format.h>

#include "job_list.hpp"
#include "text.hpp"

namespace bgx {

namespace {

constexpr std::chrono::seconds progress_interval{5};

}  // namespace

void PlainLines::restored(const bgxfer::RestoreReport& report) {
  if (report.bytes_to_fetch_again == 0) return;
  fmt::print(stderr, "{} in {} files have to be fetched again\n", bytes_text(report.bytes_to_fetch_again),
             report.lost.size());
}

void PlainLines::follow(const bgxfer::Job& job) {
  const bgxfer::Progress progress = job.progress();
  std::string title = title_of(job);
  if (progress.bytes_transferred > 0) {
    fmt::print(stderr, "{}: goes on after {}\n", title, progress_text(progress));
  } else {
    fmt::print(stderr, "{}: {} file{}\n", title, progress.files_total, progress.files_total == 1 ? "" : "s");
  }
  jobs_.emplace(job.id(), Followed{job, std::move(title), std::chrono::steady_clock::now()});
}

void PlainLines::happened(const bgxfer::Event& event) {
  const auto found = jobs_.find(bgxfer::job_of(event));
  if (found == jobs_.end()) return;
  if (const auto* made = std::get_if<bgxfer::ProgressMade>(&event)) progress(found->second, made->progress);
  if (std::holds_alternative<bgxfer::AttemptFailed>(event)) {
    fmt::print(stderr, "{}: {}\n", found->second.title, waiting_text(found->second.job));
  }
}

void PlainLines::finished(const std::vector<bgxfer::Job>& jobs) {
  for (const bgxfer::Job& job : jobs) fmt::print(stderr, "{}\n", outcome_text(job));
}

void PlainLines::progress(Followed& followed, const bgxfer::Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (now < followed.told + progress_interval) return;
  followed.told = now;
  fmt::print(stderr, "{}: {}\n", followed.title, progress_text(progress));
}

std::string outcome_text(const bgxfer::Job& job) {
  const bgxfer::Progress progress = job.progress();
  const bgxfer::JobState state = resting_state(job);
  if (state == bgxfer::JobState::completed) {
    return fmt::format("done: {}, {}", title_of(job), bytes_text(progress.bytes_transferred));
  }
  return fmt::format("{}: {}, {}", std::string(to_string(state)), title_of(job), progress_text(progress));
}

std::string progress_text(const bgxfer::Progress& progress) {
  std::string text = bytes_text(progress.bytes_transferred);
  if (progress.bytes_total) {
    text += fmt::format(" of {} ({})", bytes_text(*progress.bytes_total),
                        percent_text(progress.bytes_transferred, progress.bytes_total));
  }
  if (progress.files_total > 1)
    text += fmt::format(", {} of {} files", progress.files_transferred, progress.files_total);
  if (progress.bytes_per_second > 0) text += fmt::format(", {}/s", bytes_text(progress.bytes_per_second));
  if (progress.time_left) text += fmt::format(", {} left", time_text(*progress.time_left));
  return text;
}

}  // namespace bgx
