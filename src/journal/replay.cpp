#include "replay.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "../model/change.hpp"
#include "little_endian.hpp"
#include "record_codec.hpp"

namespace bgxfer::inline v0::detail {

namespace {

constexpr const char* why_unsynced = "the machine went down before these bytes were synced";
constexpr const char* why_unsettled = "the last run ended while these bytes were being synced";
constexpr const char* why_torn = "what the journal said of these bytes is lost";
constexpr const char* why_damaged =
    "the journal was damaged, so it is not certain which bytes the temporary file holds";

/// After so many breaks the rest is not read: each costs a look at every file.
constexpr std::size_t breaks_max = 64;

/// The jobs while the journal is read.
class Reviver {
 public:
  void take(const Session& session) {
    close_group(false);
    if (has_session_ && session.epoch != epoch_) {
      // Losses of the past were reported in the run that found them.
      for_each_job([](JobRecord& job) { forget_unsynced(job); });
    }
    has_session_ = true;
    epoch_ = session.epoch;
  }

  /// `more`: the change goes on in the next record.
  void take(Change change, bool more) {
    auto* files = std::get_if<FilesAdded>(&change);
    if (!group_.empty() && (!files || files->job != group_.front().job)) close_group(false);
    if (files && (more || !group_.empty())) {
      group_.push_back(std::move(*files));
      if (!more) close_group(true);
      return;
    }
    carry_out(change);
  }

  /// `records` are missing between the last record and the next. Files that are not under their own names are not
  /// believed any more: one of the missing records may have started one of them afresh.
  void lose(std::uint64_t records) {
    close_group(false);
    lost_ += records;
    ++breaks_;
    known_before_ = jobs_.size();
    for (std::size_t slot = 0; slot < jobs_.size(); ++slot) {
      // A commit under way is carried on: its files were complete, and only its failure could have changed that.
      if (!jobs_[slot] || (jobs_[slot]->committing && !is_void_commit(*jobs_[slot]))) continue;
      for (const auto& [file, bytes] : forget_arrived(*jobs_[slot])) doubted_[{slot, file}] = bytes;
    }
  }

  /// Whether the last change was cut off; it is dropped then.
  bool drop_open_group() { return std::exchange(group_, {}).size() > 0; }

  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] bool gives_up() const { return breaks_ >= breaks_max; }

  /// The end: what is left, and what has to be fetched again under today's epoch.
  void finish(Replayed& result, const std::string& epoch) {
    const bool went_down = has_session_ && epoch != epoch_;
    // What is lost of the journal may have told of a sync of data that failed.
    const bool incomplete = result.torn || result.damaged;
    const bool all = went_down || incomplete;
    const char* why = went_down ? why_unsynced : incomplete ? why_torn : why_unsettled;
    for_each_job([&](JobRecord& job) {
      for (std::size_t i = 0; i < job.files.size(); ++i) {
        const FileRecord& file = job.files[i];
        if (!file.facts || file.stage == FileStage::committed || !(all || file.facts->syncs > 0)) continue;
        report(result.report, job, static_cast<FileIndex>(i), file.facts->unsynced.bytes(), why);
      }
      if (all) forget_unsynced(job);
    });
    for (const auto& [place, bytes] : doubted_) {
      const auto& job = jobs_[place.first];
      if (!job) continue;
      const std::uint64_t again = job->files[static_cast<std::size_t>(place.second)].bytes();
      if (again < bytes) report(result.report, *job, place.second, bytes - again, why_damaged);
    }
    for_each_job([&](JobRecord& job) {
      // A job cannot be done while bytes of it were lost. Files that were added since wait for the host to resume it.
      const bool open = job.state == JobState::transferred && (!job.committing || is_void_commit(job));
      if (open && unfinished_file(job)) {
        apply(job, JobMoved{job.id, JobState::queued, std::nullopt, job.error_count, job.times.modified});
      }
      result.jobs.push_back(std::move(job));
    });
    result.epoch = epoch_;
    result.report.jobs_restored = result.jobs.size();
  }

 private:
  template <class Visit>
  void for_each_job(Visit visit) {
    for (std::optional<JobRecord>& job : jobs_) {
      if (job) visit(*job);
    }
  }

  static void report(RestoreReport& to, const JobRecord& job, FileIndex file, std::uint64_t bytes, const char* why) {
    if (bytes == 0) return;
    to.bytes_to_fetch_again += bytes;
    to.lost.push_back(BytesLost{job.id, file, bytes, why});
  }

  void carry_out(const Change& change) {
    if (const auto* created = std::get_if<JobCreated>(&change)) {
      if (slots_.try_emplace(created->job, jobs_.size()).second) jobs_.emplace_back(make_record(*created));
      return;
    }
    const auto found = slots_.find(job_of(change));
    if (found == slots_.end()) return;
    const std::size_t slot = found->second;
    if (std::holds_alternative<JobRemoved>(change)) {
      jobs_[slot].reset();
      slots_.erase(found);
      return;
    }
    // Behind a loss nobody knows how many files came before these, and so which file a later record means.
    if (std::holds_alternative<FilesAdded>(change) && slot < known_before_) {
      ++lost_;
      return;
    }
    apply(*jobs_[slot], change);
  }

  /// Ends a change of several records: complete, it is carried out; else it never was.
  void close_group(bool complete) {
    const std::vector<FilesAdded> parts = std::exchange(group_, {});
    if (complete) {
      for (const FilesAdded& part : parts) carry_out(part);
    } else if (!parts.empty()) {
      lost_ += parts.size();
      known_before_ = jobs_.size();
    }
  }

  std::vector<std::optional<JobRecord>> jobs_;  // In order of creation; removed ones are empty.
  std::map<JobId, std::size_t> slots_;          // A tree: its speed does not depend on the ids.
  std::vector<FilesAdded> group_;               // The first parts of a change that goes on.
  std::map<std::pair<std::size_t, FileIndex>, std::uint64_t> doubted_;
  std::size_t known_before_ = 0;  // Slots below this were made before the last break.
  std::uint64_t lost_ = 0;
  std::size_t breaks_ = 0;
  std::string epoch_;
  bool has_session_ = false;
};

/// The id of a file whose header is damaged: as the header has it, or as the first record repeats it.
FileId find_file_id(std::span<const std::byte> file, const FileHeader& header) {
  FrameReader reader(file, header_bytes, header.file_id, 0);
  if (reader.next() || file.size() < header_bytes + record_head_bytes) return header.file_id;
  const std::span<const std::byte> record = file.subspan(header_bytes);
  const std::size_t payload_bytes = load_le<std::uint32_t>(record);
  if (payload_bytes > record.size() - record_head_bytes) return header.file_id;
  const std::span<const std::byte> payload = record.subspan(record_head_bytes, payload_bytes);
  const RecordReading reading = decode(static_cast<std::uint16_t>(RecordType::session), 0, payload);
  if (reading.verdict == RecordVerdict::session) return reading.session.file_id;
  return header.file_id;
}

/// The records at the end of the file of which no later one says that they were synced.
class UntoldTail {
 public:
  explicit UntoldTail(std::size_t begin) : begin_(begin) {}

  void add(std::uint64_t seq, std::size_t end) { records_.push_back({seq, end}); }
  /// Records up to this number are durable.
  void synced(std::uint64_t until_seq) {
    for (; !records_.empty() && records_.front().seq <= until_seq; records_.pop_front()) begin_ = records_.front().end;
  }
  [[nodiscard]] std::size_t begin() const { return begin_; }

 private:
  struct Record {
    std::uint64_t seq;
    std::size_t end;
  };

  std::size_t begin_;
  std::deque<Record> records_;
};

/// Whether records that come behind a gap prove that what is missing was once durable. `at` is the first of them.
bool was_durable(FrameReader reader, Frame at, std::uint64_t missing) {
  for (std::optional<Frame> frame = at; frame; frame = reader.next()) {
    const RecordReading reading = decode(frame->type, frame->flags, frame->payload);
    // A run that finds a gap does not go on in the file, so a later run means that there was none yet.
    if (reading.verdict == RecordVerdict::session) return true;
    if (reading.verdict == RecordVerdict::synced && reading.synced.seq >= missing) return true;
  }
  return false;
}

}  // namespace

Replayed replay(std::span<const std::byte> file, const std::string& epoch) {
  Replayed result;
  if (file.empty()) return result;

  HeaderReading head = read_header(file);
  result.header = head.header;
  switch (head.verdict) {
    case HeaderVerdict::good: break;
    case HeaderVerdict::foreign: result.refused = Error(Errc::journal_foreign, ErrorContext::queue); return result;
    case HeaderVerdict::newer: result.refused = Error(Errc::journal_newer, ErrorContext::queue); return result;
    case HeaderVerdict::torn:
      result.torn = true;
      result.report.torn_bytes = file.size();
      return result;
    case HeaderVerdict::damaged:
      result.damaged = true;
      head.header.file_id = find_file_id(file, head.header);
      head.header.base_seq = 0;
      head.header.snapshot_bytes = 0;
      break;
  }

  FrameReader reader(file, head.bytes, head.header.file_id, head.header.base_seq);
  Reviver reviver;
  bool first = true;
  std::size_t group_begin = 0;  // Where the change that is not complete yet begins; 0: none.
  std::size_t end = head.bytes;
  std::uint64_t next_seq = head.header.base_seq;
  UntoldTail untold(static_cast<std::size_t>(std::min<std::uint64_t>(head.header.snapshot_bytes, file.size())));
  while (!reviver.gives_up()) {
    const std::optional<Frame> frame = reader.next();
    if (!frame) break;
    // Behind a damaged header nobody knows the number of the first record.
    const std::uint64_t lost = first && result.damaged ? 0 : frame->lost;
    first = false;
    if (lost > 0) {
      // A power cut, or a sync that failed, may take any of the sectors that were not durable yet and leave later ones:
      // that is a torn tail too.
      const bool first_gap = !result.damaged && reviver.lost() == 0;
      if (first_gap && end >= head.header.snapshot_bytes && !was_durable(reader, *frame, frame->seq - lost)) {
        next_seq = frame->seq - lost;
        break;
      }
      reviver.lose(lost);
    }

    RecordReading reading = decode(frame->type, frame->flags, frame->payload);
    const bool more = (frame->flags & record_more) != 0;
    if (!more) group_begin = 0;
    if (more && group_begin == 0) group_begin = frame->offset;
    switch (reading.verdict) {
      case RecordVerdict::change:
        if (frame->offset >= head.header.snapshot_bytes) {
          result.lasting.count(*reading.change, record_head_bytes + frame->payload.size());
        }
        reviver.take(*std::move(reading.change), more);
        break;
      case RecordVerdict::session: reviver.take(reading.session); break;
      case RecordVerdict::synced: untold.synced(reading.synced.seq); break;
      case RecordVerdict::skipped: break;
      case RecordVerdict::malformed: reviver.lose(1); break;
      case RecordVerdict::newer:
        result = Replayed();
        result.refused = Error(Errc::journal_newer, ErrorContext::queue);
        return result;
    }
    end = file.size() - reader.tail_bytes();
    next_seq = reader.next_seq();
    if (end > untold.begin()) untold.add(frame->seq, end);
  }

  const bool open_group = reviver.drop_open_group();
  if (open_group && group_begin != 0) end = group_begin;
  // A snapshot was durable before it got the log's name: if it is not whole, that is no torn tail.
  if (reviver.gives_up() || end < std::min<std::uint64_t>(head.header.snapshot_bytes, ByteRange::to_end)) {
    reviver.lose(1);
  } else if (end < file.size()) {
    result.torn = true;
    result.report.torn_bytes = file.size() - end;
  }
  if (result.damaged && reviver.lost() == 0) reviver.lose(1);
  result.report.records_lost = static_cast<std::size_t>(reviver.lost());
  result.damaged = result.report.records_lost > 0;
  result.next_seq = next_seq;
  result.untold_from = untold.begin();
  reviver.finish(result, epoch);
  return result;
}

}  // namespace bgxfer::inline v0::detail
