#include <algorithm>
#include <ctime>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <bgxfer/range_set.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "job_list.hpp"
#include "json_lines.hpp"
#include "plain_lines.hpp"
#include "text.hpp"

namespace bgx {

namespace {

/// Files that are shown one by one. The JSON has them all.
constexpr std::size_t files_shown_max = 100;

std::string local_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", parts);
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", static_cast<double>(time.count()) / 1000);
}

void print_row(std::string_view name, const std::string& value) { fmt::print("{:<20}{}\n", std::string(name), value); }

/// The first runs of bytes that are missing, in words.
std::string gaps_text(const bgxfer::File& file, const bgxfer::FileProgress& progress) {
  const bgxfer::RangeSet arrived(file.arrived());
  const std::vector<bgxfer::ByteRange> gaps =
      arrived.gaps(bgxfer::ByteRange{0, progress.bytes_total.value_or(bgxfer::ByteRange::to_end)});
  const std::uint64_t missing =
      progress.bytes_total.value_or(0) - std::min(progress.bytes_total.value_or(0), progress.bytes_transferred);
  return fmt::format("{} missing in {} run{}, from byte {} on", progress.bytes_total ? bytes_text(missing) : "the rest",
                     gaps.size(), gaps.size() == 1 ? "" : "s", gaps.empty() ? 0 : gaps.front().offset);
}

/// What the next run does to fetch the file, and why; nothing for a file that is here, or that simply comes from its
/// URL.
std::vector<std::string> plan_of(const bgxfer::File& file, const bgxfer::JobOptions& options) {
  std::vector<std::string> lines;
  const std::vector<std::string> mirrors = file.mirrors();
  for (const std::string& mirror : mirrors) lines.push_back("or " + printable(bgxfer::public_url(mirror)));
  const bgxfer::FileProgress progress = file.progress();
  if (progress.transferred || (options.connections_per_file == 1 && mirrors.empty() && progress.bytes_transferred == 0))
    return lines;
  std::string plan = "plan: " + gaps_text(file, progress);
  if (options.connections_per_file > 1) {
    plan += fmt::format("; up to {} connections, each new one takes a part of the rest that would take longest",
                        options.connections_per_file);
  }
  lines.push_back(plan);
  if (!mirrors.empty()) {
    lines.push_back(options.connections_per_file > 1 ? "      mirrors share the work once bytes of theirs were "
                                                       "compared with what is here, first those known to be fast"
                                                     : "      mirrors are asked if the URL fails, first those known to "
                                                       "be fast; --connections lets them share the work");
  }
  return lines;
}

/// What is known of a file beside its progress: where redirects led, what the host and the server said of it.
std::vector<std::string> facts_of(const bgxfer::File& file) {
  std::vector<std::string> lines;
  const std::string url = file.url();
  if (url != file.own_url()) lines.push_back("leads to " + printable(bgxfer::public_url(url)));
  if (const bgxfer::Result<bool> right = file.validation_state()) {
    lines.push_back(*right ? "validated: yes" : "validated: not yet");
  }
  for (const bgxfer::Header& field : file.response_headers()) {
    lines.push_back(printable(field.name) + ": " + shown_value(field));
  }
  return lines;
}

}  // namespace

asio::awaitable<int> show(Session& session) {
  const bgxfer::Job job = find_job(session.queue(), session.arguments().words.front());
  if (session.arguments().json) {
    print_line(job_json("job", job));
    co_return exit_done;
  }
  const bgxfer::JobOptions options = job.options();
  const bgxfer::JobTimes times = job.times();
  print_row("id", job.id().to_string());
  print_row("name", printable(options.display_name));
  print_row("state", std::string(to_string(resting_state(job))));
  if (const std::optional<bgxfer::Error> error = job.error()) {
    print_row("error", fmt::format("{} [{}]; {}", printable(error->message()), code_text(*error), cure_of(*error)));
  }
  print_row("progress", progress_text(job.progress()));
  print_row("failures", fmt::to_string(job.error_count()));
  print_row("created", local_time(times.created));
  print_row("changed", local_time(times.modified));
  print_row("priority", std::string(to_string(options.priority)));
  print_row("parallel", fmt::to_string(options.parallel_files));
  print_row("connections", fmt::to_string(options.connections_per_file));
  print_row("limit-rate", options.bytes_per_second_max == 0 ? "none" : bytes_text(options.bytes_per_second_max) + "/s");
  print_row("retry-delay", seconds_text(options.retry_delay_min));
  print_row("no-progress-timeout", seconds_text(options.no_progress_timeout));
  if (!options.description.empty()) print_row("description", printable(options.description));
  if (options.maximum_download_time) print_row("max-time", seconds_text(*options.maximum_download_time));
  if (options.download.size_max) print_row("max-size", bytes_text(*options.download.size_max));
  if (options.transfer_policy) print_row("cost", std::string(to_string(*options.transfer_policy)));
  if (options.download.on_demand) print_row("on-demand", "yes");
  if (options.http.redirects.mode != bgxfer::RedirectMode::follow) {
    print_row("redirects", options.http.redirects.mode == bgxfer::RedirectMode::report ? "report" : "refuse");
  }
  print_row("owner", printable(job.owner().name));

  const std::vector<bgxfer::File> files = job.files();
  fmt::print("\n{:>5}  {:>10}  {}\n", "DONE", "SIZE", "FILE AND URL");
  for (std::size_t i = 0; i < files.size() && i < files_shown_max; ++i) {
    const bgxfer::FileProgress progress = files[i].progress();
    fmt::print("{:>5}  {:>10}  {}\n{:>19}{}\n", percent_text(progress.bytes_transferred, progress.bytes_total),
               progress.bytes_total ? bytes_text(*progress.bytes_total) : "?", printable(files[i].target().string()),
               "", printable(bgxfer::public_url(files[i].own_url())));
    for (const std::string& line : facts_of(files[i])) fmt::print("{:>19}{}\n", "", line);
    for (const std::string& line : plan_of(files[i], options)) fmt::print("{:>19}{}\n", "", line);
  }
  if (files.size() > files_shown_max) {
    fmt::print("and {} more files; `bgx show --json` lists them all\n", files.size() - files_shown_max);
  }
  co_return exit_done;
}

}  // namespace bgx
