#include <bgxfer/journal_report.hpp>

#include <utility>

#include "../model/change.hpp"
#include "replay.hpp"

namespace bgxfer::inline v0 {

namespace {

JournalJob describe_job(const detail::JobRecord& record) {
  JournalJob job;
  job.id = record.id;
  job.display_name = record.options.display_name;
  job.state = record.state;
  job.completing = record.committing && !is_void_commit(record);
  job.headers_needed = record.headers_withheld;
  job.progress = detail::progress_of(record);
  job.error = record.error;
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const detail::FileRecord& file = record.files[i];
    const bool under_way = file.stage == detail::FileStage::started || file.stage == detail::FileStage::finished;
    if (!under_way || file.bytes() == 0) continue;
    JournalFile& found = job.under_way.emplace_back();
    found.file = static_cast<FileIndex>(i);
    found.url = file.url;
    found.temporary = detail::place_of(record, found.file).temporary();
    found.bytes_arrived = file.bytes();
    const bool parts = file.facts && !file.facts->arrived.empty();
    found.bytes_expected_on_disk = parts ? file.facts->arrived.ranges().back().end() : found.bytes_arrived;
  }
  return job;
}

}  // namespace

JournalReport inspect_journal(std::span<const std::byte> contents, const std::string& epoch) {
  detail::Replayed replayed = detail::replay(contents, epoch);
  JournalReport report;
  report.refused = std::move(replayed.refused);
  if (report.refused) return report;
  report.torn = replayed.torn;
  report.damaged = replayed.damaged;
  report.restarted = !contents.empty() && replayed.epoch != epoch;
  report.records_up_to = replayed.next_seq - 1;
  report.next_start = std::move(replayed.report);
  for (detail::JobRecord& record : replayed.jobs) {
    detail::forget_unsettled(record);  // As the next start would.
    report.jobs.push_back(describe_job(record));
  }
  return report;
}

}  // namespace bgxfer::inline v0
