#include "job_options.hpp"

namespace bgx {

namespace {

/// Somebody is waiting: a job that gets nowhere should say so before long.
constexpr std::chrono::milliseconds no_progress_timeout{300'000};

}  // namespace

bgxfer::JobOptions new_job(const Arguments& arguments) {
  bgxfer::JobOptions options;
  options.no_progress_timeout = no_progress_timeout;
  apply(arguments, options);
  return options;
}

void apply(const Arguments& arguments, bgxfer::JobOptions& options) {
  if (arguments.name) options.display_name = *arguments.name;
  if (arguments.priority) options.priority = *arguments.priority;
  if (arguments.parallel) options.parallel_files = *arguments.parallel;
  if (arguments.bytes_per_second && arguments.verb != "run") options.bytes_per_second_max = *arguments.bytes_per_second;
  if (arguments.no_progress_timeout) options.no_progress_timeout = *arguments.no_progress_timeout;
  if (!arguments.headers.empty()) options.http.headers = arguments.headers;
  if (arguments.retry_delay) {
    options.retry_delay_min = *arguments.retry_delay;
    if (options.retry_delay_max < options.retry_delay_min) options.retry_delay_max = options.retry_delay_min;
  }
}

}  // namespace bgx
