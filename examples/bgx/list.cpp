#include <fmt/format.h>

#include "commands.hpp"
#include "job_list.hpp"
#include "json_lines.hpp"
#include "text.hpp"

namespace bgx {

asio::awaitable<int> list(Session& session) {
  const std::vector<bgxfer::Job> jobs = session.queue().jobs();
  if (session.arguments().json) {
    for (const bgxfer::Job& job : jobs) print_line(job_json("job", job));
    co_return exit_done;
  }
  if (jobs.empty()) {
    if (!session.arguments().quiet) fmt::print(stderr, "no jobs; `bgx add URL FILE` adds one\n");
    co_return exit_done;
  }
  const std::size_t id = short_id_length(jobs);
  fmt::print("{:<{}}  {:<15}  {:<10}  {:>5}  {:>10}  {:>13}  {}\n", "ID", id, "STATE", "PRIORITY", "DONE", "SIZE",
             "FILES", "NAME");
  for (const bgxfer::Job& job : jobs) {
    const bgxfer::Progress progress = job.progress();
    fmt::print("{:<{}}  {:<15}  {:<10}  {:>5}  {:>10}  {:>13}  {}\n", job.id().to_string().substr(0, id), id,
               std::string(to_string(resting_state(job))), std::string(to_string(job.options().priority)),
               percent_text(progress.bytes_transferred, progress.bytes_total),
               progress.bytes_total ? bytes_text(*progress.bytes_total) : "?",
               fmt::format("{}/{}", progress.files_transferred, progress.files_total), title_of(job));
  }
  co_return exit_done;
}

}  // namespace bgx
