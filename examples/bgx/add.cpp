#include <fmt/format.h>

#include "commands.hpp"
#include "failure.hpp"
#include "job_options.hpp"
#include "json_lines.hpp"
#include "target.hpp"

namespace bgx {

void check_add(const Arguments& arguments) {
  const std::size_t count = arguments.words.size();
  if (count == 0) throw UsageError("add needs a URL and a file: bgx add https://example.org/file file");
  if (count % 2 != 0) {
    throw UsageError(fmt::format("add needs a file after each URL; after {} there is none",
                                 bgxfer::public_url(arguments.words.back())));
  }
  if (arguments.sha256 && count != 2) throw UsageError("--sha256 is of one file; add that file as a job of its own");
  if (!arguments.mirrors.empty() && count != 2) {
    throw UsageError("--mirror is of one file; add that file as a job of its own");
  }
  for (std::size_t i = 1; i < count; i += 2) check_target(absolute_target(arguments.words[i]));
}

asio::awaitable<int> add(Session& session) {
  const Arguments& arguments = session.arguments();
  bgxfer::JobOptions options = new_job(arguments);
  for (std::size_t i = 0; i + 1 < arguments.words.size(); i += 2) {
    bgxfer::FileSpec file;
    file.url = arguments.words[i];
    file.target = absolute_target(arguments.words[i + 1]);
    file.sha256 = arguments.sha256;
    file.mirrors = arguments.mirrors;
    options.files.push_back(std::move(file));
  }
  bgxfer::Result<bgxfer::Job> added = session.queue().add(std::move(options));
  if (!added) {
    session.fail(command_failure(added.error()));
    co_return is_usage(added.error()) ? exit_usage : exit_failed;
  }
  bgxfer::Job job = *added;
  job.resume();
  // The id is a promise: it is given once a power cut would not break it.
  const bgxfer::Result<void> saved = co_await session.queue().saved();
  if (!saved) {
    session.fail(command_failure(saved.error()));
    co_return exit_failed;
  }
  if (arguments.json) {
    print_line(job_json("added", job));
  } else {
    fmt::print("{}\n", job.id().to_string());
  }
  co_return exit_done;
}

}  // namespace bgx
