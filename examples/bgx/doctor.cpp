#include <csignal>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/journal_report.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "json_lines.hpp"
#include "plain_lines.hpp"
#include "text.hpp"

namespace bgx {

namespace {

/// Jobs that are shown one by one. The JSON has them all.
constexpr std::size_t jobs_shown_max = 50;

/// The process that works on the queue now; 0 if there is none.
::pid_t owner_of(const std::filesystem::path& journal) {
  std::ifstream lock(journal.string() + ".lock");
  ::pid_t owner = 0;
  if (!(lock >> owner) || owner <= 0) return 0;
  return ::kill(owner, 0) == 0 || errno == EPERM ? owner : 0;
}

/// What is wrong with a temporary file; empty if it can be gone on with.
std::string trouble_with(const bgxfer::JournalFile& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file.temporary, failed);
  if (failed) return fmt::format("{} bytes to fetch again: {}", file.bytes_arrived, failed.message());
  if (size >= file.bytes_expected_on_disk) return {};
  return fmt::format("{} bytes to fetch again: the temporary file has {} bytes instead of {}", file.bytes_arrived, size,
                     file.bytes_expected_on_disk);
}

std::string state_of(const bgxfer::JournalJob& job) {
  if (job.completing) return "completing";
  return std::string(to_string(job.state));
}

void print_json(const bgxfer::JournalReport& report, ::pid_t owner) {
  for (const bgxfer::JournalJob& job : report.jobs) {
    std::string files;
    for (const bgxfer::JournalFile& file : job.under_way) {
      files += fmt::format("{}{{\"file\":{},\"bytes\":{},\"temporary\":{},\"trouble\":{}}}", files.empty() ? "" : ",",
                           static_cast<std::uint32_t>(file.file), file.bytes_arrived,
                           bgx::quoted(file.temporary.string()), bgx::quoted(trouble_with(file)));
    }
    print_line(fmt::format(
        "{{\"event\":\"job\",\"id\":{},\"name\":{},\"state\":{},\"files\":{},\"bytes\":{},\"under_way\":[{}]}}",
        bgx::quoted(job.id.to_string()), bgx::quoted(job.display_name), bgx::quoted(state_of(job)),
        job.progress.files_total, job.progress.bytes_transferred, files));
  }
  print_line(fmt::format(
      "{{\"event\":\"doctor\",\"usable\":{},\"owner\":{},\"jobs\":{},\"records\":{},\"torn\":{},\"damaged\":{},"
      "\"records_lost\":{},\"restarted\":{},\"fetch_again\":{},\"lost\":{}}}",
      !report.refused, owner, report.jobs.size(), report.records_up_to, report.torn, report.damaged,
      report.next_start.records_lost, report.restarted, report.next_start.bytes_to_fetch_again,
      losses_json(report.next_start.lost)));
}

void print_text(const bgxfer::JournalReport& report, const std::filesystem::path& journal, std::size_t bytes,
                ::pid_t owner) {
  fmt::print("journal    {}, {}, {} records\n", printable(journal.string()), bytes_text(bytes), report.records_up_to);
  fmt::print("in use     {}\n", owner != 0 ? fmt::format("by process {}; what follows may change", owner) : "no");
  fmt::print("end        {}\n", !report.torn
                                    ? "whole"
                                    : fmt::format("{} bytes that the last run did not finish; nothing that was "
                                                  "promised is in them, the next start drops them",
                                                  report.next_start.torn_bytes));
  fmt::print("damage     {}\n",
             !report.damaged ? "none"
                             : fmt::format("{} records are lost; the next start keeps a copy as {}.damaged-N and "
                                           "saves the rest",
                                           report.next_start.records_lost, printable(journal.filename().string())));
  fmt::print("machine    {}\n",
             report.restarted ? "started again since: what had not been synced is fetched again" : "still up");
  fmt::print("next start {} jobs, {} to fetch again\n", report.jobs.size(),
             bytes_text(report.next_start.bytes_to_fetch_again));
  for (const bgxfer::BytesLost& lost : report.next_start.lost) {
    fmt::print("           {} file {}: {} bytes, {}\n", lost.job.to_string(), static_cast<std::uint32_t>(lost.file),
               lost.bytes, lost.why);
  }
  for (std::size_t i = 0; i < report.jobs.size() && i < jobs_shown_max; ++i) {
    const bgxfer::JournalJob& job = report.jobs[i];
    fmt::print("\n{}  {}  {}\n  {}, {} of {} files\n", job.id.to_string(), state_of(job), printable(job.display_name),
               progress_text(job.progress), job.progress.files_transferred, job.progress.files_total);
    if (job.error)
      fmt::print("  error: {} [{}]; {}\n", printable(job.error->message()), code_text(*job.error), cure_of(*job.error));
    if (job.headers_needed) fmt::print("  its headers are not stored: give them again with --header\n");
    for (const bgxfer::JournalFile& file : job.under_way) {
      const std::string trouble = trouble_with(file);
      if (!trouble.empty()) fmt::print("  {}: {}\n", printable(file.temporary.string()), trouble);
    }
  }
  if (report.jobs.size() > jobs_shown_max)
    fmt::print("\nand {} more jobs; --json lists them all\n", report.jobs.size() - jobs_shown_max);
}

}  // namespace

int doctor(const Arguments& arguments) {
  const std::filesystem::path journal =
      arguments.journal.empty() ? default_journal() : std::filesystem::absolute(arguments.journal).lexically_normal();
  std::ifstream file(journal, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "bgx: there is no journal {}; name another with --journal\n", printable(journal.string()));
    return exit_journal;
  }
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const bgxfer::JournalReport report =
      bgxfer::inspect_journal(std::as_bytes(std::span(text)), bgxfer::disk::make_storage()->epoch());
  if (report.refused) {
    fmt::print(stderr, "{}\n", journal_failure(journal, *report.refused));
    return exit_journal;
  }
  const ::pid_t owner = owner_of(journal);
  if (arguments.json) {
    print_json(report, owner);
  } else {
    print_text(report, journal, text.size(), owner);
  }
  return report.damaged ? exit_failed : exit_done;
}

}  // namespace bgx
