#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "job_options.hpp"

namespace bgx {

namespace {

/// The jobs that are still under way, and whether one of them failed.
struct Tally {
  explicit Tally(asio::io_context& io) : all_ended(io, asio::steady_timer::time_point::max()) {}

  std::size_t under_way = 0;
  bool failed = false;
  asio::steady_timer all_ended;  ///< Cancelled when the last one has ended.
};

bool waits_for_secrets(const bgxfer::Job& job) {
  const std::optional<bgxfer::Error> error = job.error();
  return job.state() == bgxfer::JobState::error && error && error->code() == bgxfer::Errc::headers_needed;
}

/// Gives the job what the command line says. Secrets go only to jobs that had some and wait for them.
bgxfer::CommandResult prepare(const Arguments& arguments, bgxfer::Job& job) {
  Arguments changes = arguments;
  const bool waits = waits_for_secrets(job);
  if (!waits) {
    changes.headers.clear();
    changes.user.reset();
    changes.proxy_user.reset();
    changes.negotiate = changes.ntlm = changes.proxy_negotiate = changes.proxy_ntlm = false;
    if (changes.certificate.empty()) changes.key_password.reset();
  }

  const bgxfer::JobOptions before = job.options();
  bgxfer::JobOptions after = before;
  apply(changes, after);
  if (after == before) return {};
  const bgxfer::CommandResult changed =
      job.configure([&changes](bgxfer::JobOptions& options) { apply(changes, options); });
  if (changed && waits) job.resume();
  return changed;
}

/// Waits for the job, and has its files put in place.
asio::awaitable<void> see_through(Session& session, bgxfer::Job job, Tally& tally) {
  bgxfer::Result<void> outcome = co_await job.transferred();
  if (outcome) {
    job.complete();
    outcome = co_await job.completed();
  }
  if (!outcome && !session.interrupted()) {
    tally.failed = true;
    const std::string id = job.id().to_string().substr(0, 8);
    session.fail(fmt::format("{}, then `bgx resume {}`", job_failure(job, outcome.error()), id));
  }
  if (--tally.under_way == 0) tally.all_ended.cancel();
}

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

asio::awaitable<int> run(Session& session) {
  Tally tally(session.io());
  std::vector<bgxfer::Job> wanted;
  for (bgxfer::Job& job : session.queue().jobs()) {
    const bgxfer::CommandResult changed = prepare(session.arguments(), job);
    if (!changed && is_usage(changed.error())) {
      session.fail(command_failure(changed.error()));
      co_return exit_usage;
    }
    session.follow(job);
    if (job.state() == bgxfer::JobState::suspended) continue;  // Somebody wanted it to wait.
    wanted.push_back(job);
  }
  tally.under_way = wanted.size();
  for (const bgxfer::Job& job : wanted) asio::co_spawn(session.io(), see_through(session, job, tally), rethrow);
  if (tally.under_way > 0) {
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await tally.all_ended.async_wait(token);
  }
  co_return tally.failed ? exit_failed : exit_done;
}

}  // namespace bgx
