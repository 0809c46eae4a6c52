#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "commands.hpp"
#include "failure.hpp"
#include "job_list.hpp"
#include "job_options.hpp"
#include "json_lines.hpp"

namespace bgx {

namespace {

/// One KEY=VALUE of `bgx set`: what it does to the options.
using Edit = std::function<void(bgxfer::JobOptions&)>;

Edit parse_edit(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string key = word.substr(0, equals);
  if (equals == std::string::npos)
    throw UsageError(fmt::format("set needs KEY=VALUE, not {}; `bgx help set` lists the keys", word));
  const std::string value = word.substr(equals + 1);
  if (key == "name") return [value](bgxfer::JobOptions& options) { options.display_name = value; };
  if (key == "priority") {
    return [priority = parse_priority(key, value)](bgxfer::JobOptions& options) { options.priority = priority; };
  }
  if (key == "parallel") {
    return [count = parse_parallel(key, value)](bgxfer::JobOptions& options) { options.parallel_files = count; };
  }
  if (key == "connections") {
    return
        [count = parse_connections(key, value)](bgxfer::JobOptions& options) { options.connections_per_file = count; };
  }
  if (key == "limit-rate") {
    return [rate = parse_bytes(key, value)](bgxfer::JobOptions& options) { options.bytes_per_second_max = rate; };
  }
  if (key == "retry-delay") {
    return [delay = parse_seconds(key, value)](bgxfer::JobOptions& options) {
      options.retry_delay_min = delay;
      if (options.retry_delay_max < delay) options.retry_delay_max = delay;
    };
  }
  if (key == "no-progress-timeout") {
    return [time = parse_seconds(key, value)](bgxfer::JobOptions& options) { options.no_progress_timeout = time; };
  }
  if (key == "description") return [value](bgxfer::JobOptions& options) { options.description = value; };
  if (key == "max-time") {
    return [time = parse_seconds(key, value)](bgxfer::JobOptions& options) { options.maximum_download_time = time; };
  }
  if (key == "cost") {
    return [policy = parse_cost(key, value)](bgxfer::JobOptions& options) { options.transfer_policy = policy; };
  }
  throw UsageError(
      fmt::format("unknown key {}; use name, description, priority, parallel, connections, limit-rate, retry-delay, "
                  "no-progress-timeout, max-time "
                  "or cost; or alone: url, or url-from and url-to",
                  key));
}

/// `bgx set ID url=...`: where the job's files come from. Empty: it is about something else.
struct Move {
  std::optional<std::string> url{};
  std::optional<std::string> from{};
  std::optional<std::string> to{};
};

std::optional<Move> parse_move(const Arguments& arguments) {
  Move move;
  std::size_t count = 0;
  for (std::size_t i = 1; i < arguments.words.size(); ++i) {
    const std::string& word = arguments.words[i];
    for (const auto& [key, value] : {std::pair{"url=", &move.url}, {"url-from=", &move.from}, {"url-to=", &move.to}}) {
      if (!word.starts_with(key)) continue;
      *value = word.substr(std::string_view(key).size());
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  const bool whole = move.url && !move.from && !move.to;
  const bool prefix = !move.url && move.from && move.to;
  if ((whole || prefix) && count + 1 == arguments.words.size()) return move;
  throw UsageError("set: url=URL, or url-from=PREFIX and url-to=PREFIX, go alone");
}

std::vector<Edit> parse_edits(const Arguments& arguments) {
  if (parse_move(arguments)) return {};
  std::vector<Edit> edits;
  for (std::size_t i = 1; i < arguments.words.size(); ++i) edits.push_back(parse_edit(arguments.words[i]));
  return edits;
}

int refuse(Session& session, const bgxfer::Error& error) {
  if (!session.interrupted()) session.fail(command_failure(error));
  return is_usage(error) ? exit_usage : exit_failed;
}

/// Says what has become of the job, once it cannot be lost any more.
asio::awaitable<int> report(Session& session, bgxfer::Job job) {
  const bgxfer::Result<void> saved = co_await session.queue().saved();
  if (!saved) co_return refuse(session, saved.error());
  if (session.arguments().json) {
    print_line(job_json("job", job));
  } else if (!session.arguments().quiet) {
    fmt::print("{} {}\n", job.id().to_string(), std::string(to_string(resting_state(job))));
  }
  co_return exit_done;
}

bgxfer::Job named_job(Session& session) { return find_job(session.queue(), session.arguments().words.front()); }

}  // namespace

void check_no_words(const Arguments& arguments) {
  if (arguments.words.empty()) return;
  throw UsageError(fmt::format("{} takes nothing but options, not {}", arguments.verb, arguments.words.front()));
}

void check_one_id(const Arguments& arguments) {
  if (arguments.words.size() == 1) return;
  throw UsageError(fmt::format("{} needs the id of one job; `bgx list` shows the ids", arguments.verb));
}

void check_set(const Arguments& arguments) {
  if (arguments.words.size() < 2) throw UsageError("set needs an id and KEY=VALUE; `bgx help set` lists the keys");
  parse_edits(arguments);
}

asio::awaitable<int> suspend(Session& session) {
  bgxfer::Job job = named_job(session);
  const bgxfer::CommandResult done = job.suspend();
  if (!done) co_return refuse(session, done.error());
  co_return co_await report(session, job);
}

asio::awaitable<int> resume(Session& session) {
  bgxfer::Job job = named_job(session);
  const Arguments& arguments = session.arguments();
  const bgxfer::CommandResult changed =
      job.configure([&arguments](bgxfer::JobOptions& options) { apply(arguments, options); });
  if (!changed) co_return refuse(session, changed.error());
  const bgxfer::CommandResult done = job.resume();
  if (!done) co_return refuse(session, done.error());
  co_return co_await report(session, job);
}

asio::awaitable<int> cancel(Session& session) {
  bgxfer::Job job = named_job(session);
  const bgxfer::CommandResult done = job.cancel();
  if (!done) co_return refuse(session, done.error());
  // Resolves when the temporary files are gone, with the error of a job that was given up: as was asked for.
  const bgxfer::Result<void> gone = co_await job.completed();
  if (!gone && gone.error().code() != bgxfer::Errc::cancelled) co_return refuse(session, gone.error());
  co_return co_await report(session, job);
}

asio::awaitable<int> complete(Session& session) {
  bgxfer::Job job = named_job(session);
  const bgxfer::CommandResult started = job.complete();
  if (!started) co_return refuse(session, started.error());
  const bgxfer::Result<void> done = co_await job.completed();
  if (!done) {
    if (!session.interrupted()) session.fail(job_failure(job, done.error()));
    co_return exit_failed;
  }
  co_return co_await report(session, job);
}

bgxfer::Result<void> carry_out(bgxfer::Job& job, const Move& move) {
  if (move.url) {
    std::vector<bgxfer::File> files = job.files();
    if (files.size() == 1) return files.front().set_url(*move.url);
    throw UsageError("set: url=URL is for jobs of one file; use url-from=PREFIX and url-to=PREFIX");
  }
  const bgxfer::Result<std::size_t> replaced = job.replace_url_prefix(*move.from, *move.to);
  if (!replaced) return replaced.error();
  if (*replaced == 0) throw UsageError("set: no URL of the job begins with that prefix; `bgx show` lists them");
  return {};
}

asio::awaitable<int> set(Session& session) {
  bgxfer::Job job = named_job(session);
  if (const std::optional<Move> move = parse_move(session.arguments())) {
    const bgxfer::Result<void> moved = carry_out(job, *move);
    if (!moved) co_return refuse(session, moved.error());
    co_return co_await report(session, job);
  }
  const std::vector<Edit> edits = parse_edits(session.arguments());
  const bgxfer::CommandResult done = job.configure([&edits](bgxfer::JobOptions& options) {
    for (const Edit& edit : edits) edit(options);
  });
  if (!done) co_return refuse(session, done.error());
  co_return co_await report(session, job);
}

}  // namespace bgx
