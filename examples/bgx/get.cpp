#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "commands.hpp"
#include "failure.hpp"
#include "job_options.hpp"
#include "target.hpp"
#include "text.hpp"

namespace bgx {

namespace {

/// What a description may have.
constexpr std::size_t description_bytes = 1024;

std::vector<bgxfer::FileSpec> files_of(const Arguments& arguments) {
  std::vector<bgxfer::FileSpec> files;
  for (const std::string& url : arguments.words) {
    bgxfer::FileSpec file;
    file.url = url;
    const std::filesystem::path name =
        arguments.output.empty() ? std::filesystem::path(name_of(url)) : arguments.output;
    file.target = absolute_target(arguments.folder / name);
    file.sha256 = arguments.sha256;
    file.mirrors = arguments.mirrors;
    if (!arguments.on_demand) file.ranges = arguments.ranges;
    file.placed_at = arguments.places;
    files.push_back(std::move(file));
  }
  return files;
}

/// What a job expects its file to be. A job does not tell, so it is written into the description.
std::string expectation(const Arguments& arguments) {
  std::string text = arguments.sha256 ? fmt::format("sha256 {}", arguments.sha256->to_string()) : std::string();
  if (arguments.ranges.empty() || arguments.on_demand) return text;
  text += text.empty() ? "ranges" : ", ranges";
  for (std::size_t i = 0; i < arguments.ranges.size() && text.size() < description_bytes; ++i) {
    const bgxfer::ByteRange range = arguments.ranges[i];
    text += fmt::format(" {}-", range.offset);
    if (range.length != bgxfer::ByteRange::to_end) text += fmt::to_string(range.end() - 1);
    if (!arguments.places.empty()) text += fmt::format("@{}", arguments.places[i]);
  }
  return text.substr(0, description_bytes);
}

bool same_files(const bgxfer::Job& job, const std::vector<bgxfer::FileSpec>& wanted) {
  const std::vector<bgxfer::File> files = job.files();
  return std::equal(files.begin(), files.end(), wanted.begin(), wanted.end(),
                    [](const bgxfer::File& file, const bgxfer::FileSpec& spec) {
                      return file.own_url() == spec.url && file.target() == spec.target &&
                             file.mirrors() == spec.mirrors;
                    });
}

/// The job of an earlier run that fetches the same files to the same places.
std::optional<bgxfer::Job> earlier_job(bgxfer::TransferQueue& queue, const std::vector<bgxfer::FileSpec>& files) {
  for (const bgxfer::Job& job : queue.jobs()) {
    if (same_files(job, files)) return job;
  }
  return std::nullopt;
}

/// Whether a wish that was refused is met all the same, because the file has arrived. One that is made of ranges has
/// only those.
bool is_met(const bgxfer::Error& refused, const bgxfer::File& file) {
  const bool too_late = refused.code() == bgxfer::Errc::invalid_state;
  const bool never_in_parts = refused.code() == bgxfer::Errc::random_access_unsupported && file.ranges().empty();
  return file.progress().transferred && (too_late || never_in_parts);
}

/// Waits for the ranges that the command line asks for, or for all of a file of which only ranges were asked for
/// before. Says where the bytes are, as long as the file is not whole and does not have its name.
asio::awaitable<bgxfer::Result<void>> get_ranges(const Arguments& arguments, bgxfer::Job job) {
  bgxfer::File file = job.files().front();
  const std::vector<bgxfer::ByteRange> all = {bgxfer::ByteRange{}};
  const bgxfer::CommandResult asked = file.request_ranges(arguments.on_demand ? arguments.ranges : all);
  if (!asked && !is_met(asked.error(), file)) co_return asked.error();
  // A file that has arrived is only waiting for its name: an earlier run saw to the rest.
  if (file.progress().transferred) co_return bgxfer::Result<void>{};
  const bgxfer::CommandResult resumed = job.resume();
  if (!resumed) co_return resumed.error();
  const bgxfer::Result<void> served = co_await file.served();
  if (!served) co_return served;
  const bgxfer::FileProgress progress = file.progress();
  if (progress.bytes_total && progress.bytes_transferred == *progress.bytes_total) {
    // The last byte is there before the file is done. Should its hash turn out wrong, all of it is wanted once more.
    static_cast<void>(file.request_ranges(all));
    co_return co_await file.transferred();
  }
  job.suspend();  // A job that is not on demand would go on with the rest.
  if (!arguments.json && !arguments.quiet) fmt::print("{}\n", file.temporary().string());
  co_return bgxfer::Result<void>{};
}

/// A refused call: a mistake on the command line, or a job that failed.
int refuse(Session& session, const bgxfer::Error& error) {
  if (!session.interrupted()) session.fail(command_failure(error));
  return is_usage(error) ? exit_usage : exit_failed;
}

}  // namespace

void check_get(const Arguments& arguments) {
  if (arguments.words.empty()) throw UsageError("get needs a URL: bgx get https://example.org/file");
  const bool one = arguments.words.size() == 1;
  if (!arguments.output.empty() && !one) {
    throw UsageError("-o names one file, but there are several URLs; use -d FOLDER, or `bgx add` with a file for each");
  }
  if (!arguments.output.empty() && !arguments.folder.empty()) {
    throw UsageError("-o and -d do not go together; use -o FOLDER/FILE");
  }
  if (arguments.sha256 && !one)
    throw UsageError("--sha256 is of one file, but there are several URLs; get them one by one");
  if (!arguments.mirrors.empty() && !one) {
    throw UsageError("--mirror is of one file, but there are several URLs; get them one by one");
  }
  if (!arguments.ranges.empty() && !one) {
    throw UsageError("--range is of one file, but there are several URLs; get them one by one");
  }
  if (arguments.on_demand && arguments.ranges.empty()) {
    throw UsageError("--on-demand fetches the bytes of --range FIRST-LAST and no others; say which");
  }
  if (arguments.on_demand && !arguments.places.empty()) {
    throw UsageError("--on-demand puts each --range to its own place; leave @PLACE out");
  }
  if (!arguments.places.empty() && arguments.places.size() != arguments.ranges.size()) {
    throw UsageError("--range: give @PLACE with each range, or with none");
  }
  for (const bgxfer::FileSpec& file : files_of(arguments)) check_target(file.target);
}

asio::awaitable<int> get(Session& session) {
  const Arguments& arguments = session.arguments();
  bgxfer::TransferQueue& queue = session.queue();
  std::vector<bgxfer::FileSpec> files = files_of(arguments);
  const std::string expected = expectation(arguments);

  std::optional<bgxfer::Job> known = earlier_job(queue, files);
  std::optional<bgxfer::Job> outdated;
  const bool expects = arguments.sha256 || (!arguments.ranges.empty() && !arguments.on_demand);
  if (known && expects && known->options().description != expected) {
    // It would never be satisfied: its bytes are measured by another digest, or are other bytes.
    outdated = std::exchange(known, std::nullopt);
  }
  if (known) {
    const bgxfer::CommandResult changed =
        known->configure([&arguments](bgxfer::JobOptions& options) { apply(arguments, options); });
    if (!changed && is_usage(changed.error())) co_return refuse(session, changed.error());
  } else {
    bgxfer::JobOptions options = new_job(arguments);
    // Somebody waits for it: it goes before whatever else is in the queue.
    if (!arguments.priority) options.priority = bgxfer::Priority::foreground;
    options.description = expected;
    options.download.on_demand = arguments.on_demand;
    options.files = std::move(files);
    bgxfer::Result<bgxfer::Job> added = queue.add(std::move(options));
    if (!added) co_return refuse(session, added.error());
    known = *added;
  }
  if (outdated) {
    outdated->cancel();
    const bgxfer::Result<void> gone = co_await outdated->completed();
    (void)gone;  // It ends as a cancelled job; that is what was asked for.
  }

  const bgxfer::Job job = *known;
  bgxfer::Job handle = job;
  session.follow(job);
  if (arguments.on_demand || job.options().download.on_demand) {
    const bgxfer::Result<void> here = co_await get_ranges(arguments, job);
    if (!here) {
      if (!session.interrupted()) session.fail(job_failure(job, here.error()));
      co_return exit_failed;
    }
    if (!job.files().front().progress().transferred) co_return exit_done;
  }
  if (job.state() != bgxfer::JobState::transferred) {
    const bgxfer::CommandResult resumed = handle.resume();
    // A job whose files are already being put in place goes on by itself.
    if (!resumed && resumed.error().code() != bgxfer::Errc::invalid_state) {
      if (!session.interrupted()) session.fail(job_failure(job, resumed.error()));
      co_return exit_failed;
    }
    if (resumed) {
      const bgxfer::Result<void> transferred = co_await job.transferred();
      if (!transferred) {
        if (!session.interrupted()) session.fail(job_failure(job, transferred.error()));
        co_return exit_failed;
      }
    }
  }
  handle.complete();
  const bgxfer::Result<void> completed = co_await job.completed();
  if (completed) co_return exit_done;
  if (!session.interrupted()) session.fail(job_failure(job, completed.error()));
  co_return exit_failed;
}

}  // namespace bgx
