#include "change.hpp"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// A file is lost that was finished when `complete` was called.
void void_commit(JobRecord& record) {
  if (!record.committing) return;
  record.commit_void = true;
  record.error = lost_in_commit(record);
}

FileRecord* find_file(JobRecord& record, FileIndex index) {
  const auto at = static_cast<std::size_t>(index);
  return at < record.files.size() ? &record.files[at] : nullptr;
}

/// Edits one file and carries the difference into the job's totals.
template <class Edit>
void edit_file(JobRecord& record, FileRecord& file, Edit edit) {
  JobTotals& totals = record.totals;
  const auto count = [&](bool add) {
    const auto by = [add](auto& sum, auto amount) {
      sum = static_cast<std::decay_t<decltype(sum)>>(add ? sum + amount : sum - amount);
    };
    by(totals.bytes_transferred, file.bytes());
    if (file.size == size_unknown) {
      by(totals.sizes_unknown, 1u);
    } else {
      by(totals.bytes_known, file.wanted());
    }
    if (file.stage >= FileStage::finished) by(totals.files_finished, 1u);
  };
  count(false);
  edit();
  count(true);
}

/// The size that a finished file of this specification has, if the specification alone says it.
std::uint64_t specified_size(const FileSpec& spec) {
  if (spec.size) return *spec.size;
  if (spec.ranges.empty()) return size_unknown;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < spec.ranges.size(); ++i) {
    const std::uint64_t length = spec.ranges[i].length;
    const std::uint64_t begin = spec.placed_at.empty() ? end : spec.placed_at[i];
    if (length > ByteRange::to_end - begin || ByteRange{begin, length}.end() == ByteRange::to_end) return size_unknown;
    end = std::max(end, begin + length);
  }
  return end;
}

void add_file(JobRecord& record, const FileSpec& spec) {
  FileRecord file;
  file.url = spec.url;
  file.target = spec.target.string();
  file.size = specified_size(spec);
  file.size_given = spec.size.has_value();
  if (!spec.ranges.empty() || spec.sha256 || !spec.mirrors.empty() || !spec.pieces.sha256.empty()) {
    FileFacts& facts = file.known();
    facts.ranges = spec.ranges;
    facts.placed_at = spec.placed_at;
    facts.sha256 = spec.sha256;
    facts.mirrors = spec.mirrors;
    facts.pieces = spec.pieces;
  }
  if (file.size == size_unknown) {
    ++record.totals.sizes_unknown;
  } else {
    record.totals.bytes_known += file.wanted();
  }
  record.files.push_back(std::move(file));
}

/// Whether a change tells another size than the host did. Then it is about another file, and void.
bool contradicts(const FileRecord& file, std::uint64_t size) { return file.size_given && file.size != size; }

/// Bytes that arrived under another generation are not in the temporary file of this one.
void void_other_generations(FileRecord& file, std::uint32_t generation) {
  if (file.generation == generation) return;
  file.generation = generation;
  FileFacts& facts = file.known();
  facts.arrived.clear();
  facts.unsynced.clear();
}

/// Calls `visit` for each file of the runs that the job has.
template <class Visit>
void each_file(JobRecord& record, const std::vector<ByteRange>& runs, Visit visit) {
  for (ByteRange run : runs) {
    const std::size_t end = static_cast<std::size_t>(std::min<std::uint64_t>(run.end(), record.files.size()));
    for (auto i = static_cast<std::size_t>(std::min<std::uint64_t>(run.offset, end)); i < end; ++i) {
      visit(record.files[i]);
    }
  }
}

void keep_files_of(JobRecord& record, JobOptions options) {
  options.files.clear();
  record.options = std::move(options);
}

void touch(JobRecord& record, WallTime at) { record.times.modified = at; }

/// What is durable already stays durable.
void add_unsynced(FileFacts& facts, ByteRange range) {
  ByteRange rest = range;
  while (std::optional<ByteRange> gap = facts.arrived.first_gap(rest)) {
    facts.unsynced.add(*gap);
    rest = ByteRange::between(gap->end(), range.end());
  }
  facts.arrived.add(range);
}

/// No URL is longer, whatever a journal says.
constexpr std::size_t url_bytes_ceiling = 64 * 1024;

void report(FileRecord& file, std::string url) {
  if (!file.facts && url.empty()) return;
  FileFacts& facts = file.known();
  facts.reported = std::move(url);
  if (file.stage == FileStage::waiting && facts.reported.empty() && !facts.given()) file.facts.reset();
}

void relocate(FileRecord& file, std::string url) {
  if (url.size() > url_bytes_ceiling) return;
  file.url = std::move(url);
  report(file, {});
  if (file.stage != FileStage::started) return;
  // Whoever fetches it still counts its bytes for a generation that is over.
  ++file.generation;
  FileFacts& facts = file.known();
  if (facts.source == 0) facts.validator.clear();
}

/// A journal may be forged: of one file at a time there are three, a checkpoint's, that of a turn and that of a commit.
constexpr std::uint8_t syncs_max = 255;

struct Apply {
  JobRecord& record;

  void operator()(const JobCreated&) const {}
  void operator()(const JobRemoved&) const {}

  void operator()(const JobConfigured& change) const {
    keep_files_of(record, change.options);
    record.headers_withheld = change.headers_withheld;
    if (change.owner) record.owner = *change.owner;
    touch(record, change.at);
  }

  void operator()(const FilesAdded& change) const {
    // Exact for the first batch, half as much again after it: neither much waste nor a copy for each added file.
    const std::size_t needed = record.files.size() + change.files.size();
    const std::size_t room = record.files.capacity();
    if (needed > room) record.files.reserve(std::max(needed, room + room / 2));
    for (const FileSpec& spec : change.files) add_file(record, spec);
    touch(record, change.at);
  }

  void operator()(const JobMoved& change) const {
    record.state = change.to;
    record.error = change.error;
    record.error_count = change.error_count;
    record.resumed = record.resumed || change.resumed || change.to != JobState::suspended;
    record.active_time = change.active_time;
    record.owes_transferred = change.to == JobState::transferred;
    record.owes_failed = change.to == JobState::error;
    record.times.transferred.reset();
    if (change.to == JobState::transferred) record.times.transferred = change.at;
    touch(record, change.at);
  }

  void operator()(const FileStarted& change) const {
    FileRecord* file = find_file(record, change.file);
    if (!file || file->stage >= FileStage::finished || contradicts(*file, change.size)) return;
    edit_file(record, *file, [&] {
      FileFacts& facts = file->known();
      void_other_generations(*file, change.generation);
      file->stage = FileStage::started;
      file->size = change.size;
      facts.identity = change.identity;
      facts.resource_size = change.resource_size;
      facts.validator = change.validator;
      facts.source = change.validator.empty() ? 0 : change.source;
      facts.modified = change.modified;
      facts.reported = change.reported;
    });
  }

  void operator()(const FileProgressed& change) const {
    FileRecord* file = find_file(record, change.file);
    if (!file || file->stage != FileStage::started || file->generation != change.generation) return;
    edit_file(record, *file, [&] {
      FileFacts& facts = file->known();
      for (ByteRange range : change.ranges) {
        if (change.durable) {
          facts.unsynced.subtract(range);
          facts.arrived.add(range);
          continue;
        }
        add_unsynced(facts, range);
      }
    });
  }

  void operator()(const FileRestarted& change) const {
    FileRecord* file = find_file(record, change.file);
    if (!file || file->stage == FileStage::committed) return;
    if (file->stage == FileStage::finished) void_commit(record);
    edit_file(record, *file, [&] {
      file->stage = FileStage::started;
      file->generation = change.generation;
      FileFacts& facts = file->known();
      facts.arrived.clear();
      facts.unsynced.clear();
      facts.validator.clear();
      facts.source = 0;
      facts.preserved = FileAclFlags::none;
      facts.validated = false;
      facts.reported.clear();
      facts.modified.reset();
      facts.resource_size = size_unknown;
      FileSpec spec;
      spec.ranges = facts.ranges;
      spec.placed_at = facts.placed_at;
      spec.size = file->expected_size();
      file->size = specified_size(spec);
    });
    record.owed_files.subtract(ByteRange{static_cast<std::uint64_t>(change.file), 1});
  }

  void operator()(const FileFinished& change) const {
    FileRecord* file = find_file(record, change.file);
    if (!file || file->stage >= FileStage::finished || contradicts(*file, change.size)) return;
    edit_file(record, *file, [&] {
      FileFacts& facts = file->known();
      void_other_generations(*file, change.generation);
      file->size = change.size;
      const std::vector<ByteRange> parts = file->parts();
      for (ByteRange part : parts) add_unsynced(facts, part);
      RangeSet outside({ByteRange{}});
      for (ByteRange part : parts) outside.subtract(part);
      for (ByteRange nothing : outside.ranges()) facts.unsynced.subtract(nothing);
      facts.arrived = RangeSet(parts);
      facts.identity = change.identity;
      facts.modified = change.modified;
      facts.preserved = change.preserved;
      file->stage = change.committed ? FileStage::committed : FileStage::finished;
    });
    if (has(record.options.notify.events, Notify::file_transferred)) {
      record.owed_files.add(ByteRange{static_cast<std::uint64_t>(change.file), 1});
    }
  }

  void operator()(const FilesSynced& change) const {
    each_file(record, change.files, [](FileRecord& file) {
      if (file.stage >= FileStage::finished && file.facts) file.facts->unsynced.clear();
    });
  }

  void operator()(const SyncBegun& change) const {
    each_file(record, change.files, [](FileRecord& file) {
      if (file.stage != FileStage::waiting && file.facts && file.facts->syncs < syncs_max) ++file.facts->syncs;
    });
  }

  void operator()(const SyncEnded& change) const {
    each_file(record, change.files, [](FileRecord& file) {
      if (file.facts && file.facts->syncs > 0) --file.facts->syncs;
    });
  }

  void operator()(const FileValidated& change) const {
    FileRecord* file = find_file(record, change.file);
    if (file && file->stage >= FileStage::finished) file->known().validated = true;
  }

  void operator()(const UrlChanged& change) const {
    if (change.prefix.empty()) {
      if (FileRecord* file = find_file(record, change.file)) relocate(*file, change.url);
    } else {
      for (FileRecord& file : record.files) {
        if (file.url.starts_with(change.prefix)) relocate(file, change.url + file.url.substr(change.prefix.size()));
      }
    }
    touch(record, change.at);
  }

  void operator()(const Redirected& change) const {
    FileRecord* file = find_file(record, change.file);
    if (!file || change.reported.size() > url_bytes_ceiling) return;
    report(*file, change.reported);
  }

  void operator()(const CommitStarted& change) const {
    record.committing = true;
    record.approved = change.approved;
    record.commit_void = false;
    touch(record, change.at);
  }

  void operator()(const CommitFailed& change) const {
    record.committing = false;
    record.approved = false;
    record.commit_void = false;
    record.error = change.error;
    std::uint32_t left = change.committed;
    for (FileRecord& file : record.files) {
      if (left == 0) break;
      if (file.stage != FileStage::finished) continue;
      file.stage = FileStage::committed;
      --left;
    }
    touch(record, change.at);
  }

  void operator()(const NoticeDelivered& change) const {
    for (ByteRange run : change.files) record.owed_files.subtract(run);
    if (!change.files.empty()) return;
    record.owes_transferred = false;
    record.owes_failed = false;
  }

  void operator()(const FilesOwed& change) const {
    if (change.files.empty()) record.owed_files.clear();
    const ByteRange all{0, record.files.size()};
    for (ByteRange run : change.files) {
      const std::uint64_t end = std::min(run.end(), all.end());
      if (run.offset < end) record.owed_files.add(ByteRange::between(run.offset, end));
    }
  }
};

FileSpec spec_of(const FileRecord& file) {
  FileSpec spec;
  spec.url = file.url;
  spec.target = file.target;
  if (file.facts) {
    spec.ranges = file.facts->ranges;
    spec.placed_at = file.facts->placed_at;
    spec.sha256 = file.facts->sha256;
    spec.mirrors = file.facts->mirrors;
    spec.pieces = file.facts->pieces;
  }
  spec.size = file.expected_size();
  return spec;
}

void describe_start(const JobRecord& record, FileIndex index, const std::function<void(const Change&)>& write) {
  const FileRecord& file = record.files[static_cast<std::size_t>(index)];
  const FileFacts& facts = *file.facts;
  write(FileStarted{record.id, index, file.generation, facts.identity, file.size, facts.resource_size, facts.validator,
                    facts.modified, facts.source, facts.reported});
}

void describe_progress(const JobRecord& record, FileIndex index, const std::function<void(const Change&)>& write) {
  const FileRecord& file = record.files[static_cast<std::size_t>(index)];
  const FileFacts& facts = *file.facts;
  RangeSet durable = facts.arrived;
  for (ByteRange range : facts.unsynced.ranges()) durable.subtract(range);
  if (!durable.empty()) write(FileProgressed{record.id, index, file.generation, true, durable.ranges()});
  if (!facts.unsynced.empty()) {
    write(FileProgressed{record.id, index, file.generation, false, facts.unsynced.ranges()});
  }
}

void describe_finish(const JobRecord& record, FileIndex index, const std::function<void(const Change&)>& write) {
  const FileRecord& file = record.files[static_cast<std::size_t>(index)];
  const FileFacts& facts = *file.facts;
  write(FileFinished{record.id, index, file.generation, facts.identity, file.size, facts.modified,
                     file.stage == FileStage::committed, facts.preserved});
}

/// Syncs that are under way.
void describe_syncs(const JobRecord& record, const std::function<void(const Change&)>& write) {
  for (unsigned nth = 1;; ++nth) {
    RangeSet files;
    for (std::size_t i = 0; i < record.files.size(); ++i) {
      const FileRecord& file = record.files[i];
      if (file.facts && file.facts->syncs >= nth) files.add(ByteRange{i, 1});
    }
    if (files.empty()) return;
    write(SyncBegun{record.id, files.ranges()});
  }
}

/// What is known of the files. A finished file mostly needs one change, for a job may have a million of them.
void describe_files(const JobRecord& record, const std::function<void(const Change&)>& write) {
  const auto all_synced = [](const FileRecord& file) {
    return file.stage >= FileStage::finished && file.facts && file.facts->unsynced.empty();
  };
  const auto has_proof = [](const FileFacts& facts) {
    return !facts.validator.empty() || facts.resource_size != size_unknown || !facts.reported.empty();
  };
  RangeSet synced;
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const FileRecord& file = record.files[i];
    if (!all_synced(file)) continue;
    if (has_proof(*file.facts)) describe_start(record, static_cast<FileIndex>(i), write);
    describe_finish(record, static_cast<FileIndex>(i), write);
    synced.add(ByteRange{i, 1});
  }
  if (!synced.empty()) write(FilesSynced{record.id, synced.ranges()});

  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const FileRecord& file = record.files[i];
    if (file.stage == FileStage::waiting || !file.facts || all_synced(file)) continue;
    const bool all_unsynced = file.facts->unsynced == file.facts->arrived;
    if (file.stage == FileStage::started || !all_unsynced || has_proof(*file.facts)) {
      describe_start(record, static_cast<FileIndex>(i), write);
    }
    if (file.stage == FileStage::started || !all_unsynced) describe_progress(record, static_cast<FileIndex>(i), write);
    if (file.stage >= FileStage::finished) describe_finish(record, static_cast<FileIndex>(i), write);
  }
  describe_syncs(record, write);
}

}  // namespace

JobId job_of(const Change& change) {
  return std::visit([](const auto& what) { return what.job; }, change);
}

void apply(JobRecord& record, const Change& change) {
  assert(job_of(change) == record.id);
  std::visit(Apply{record}, change);
}

void add_arrived(JobRecord& record, FileRecord& file, ByteRange range) {
  edit_file(record, file, [&] { add_unsynced(file.known(), range); });
}

JobRecord make_record(const JobCreated& created) {
  JobRecord record;
  record.id = created.job;
  keep_files_of(record, created.options);
  record.headers_withheld = created.headers_withheld;
  record.owner = created.owner;
  record.times.created = created.at;
  record.times.modified = created.at;
  return record;
}

bool is_void_commit(const JobRecord& record) { return record.committing && record.commit_void && !BGXFER_MUTANT(38); }

CommitFailed end_of_void_commit(const JobRecord& record) {
  return CommitFailed{record.id, 0, record.error, record.times.modified};
}

void describe(const JobRecord& record, const std::function<void(const Change&)>& write) {
  constexpr std::size_t files_per_change = 1024;

  write(JobCreated{record.id, record.options, record.headers_withheld, record.times.created, record.owner});
  for (std::size_t begin = 0; begin < record.files.size(); begin += files_per_change) {
    FilesAdded added{record.id, {}, record.times.modified};
    const std::size_t end = std::min(record.files.size(), begin + files_per_change);
    added.files.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) added.files.push_back(spec_of(record.files[i]));
    write(added);
  }
  describe_files(record, write);
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const FileRecord& file = record.files[i];
    if (!file.facts) continue;
    if (file.facts->validated) write(FileValidated{record.id, static_cast<FileIndex>(i)});
    // Of other files their start tells it.
    if (file.stage == FileStage::waiting && !file.facts->reported.empty()) {
      write(Redirected{record.id, static_cast<FileIndex>(i), file.facts->reported});
    }
  }
  write(JobMoved{record.id, record.state, record.error, record.error_count,
                 record.times.transferred.value_or(record.times.modified), record.resumed, record.active_time});
  // A transferred job that was configured since has two times to remember.
  if (record.times.transferred && *record.times.transferred != record.times.modified) {
    write(JobConfigured{record.id, record.options, record.headers_withheld, record.times.modified});
  }
  if (!record.owes_transferred && !record.owes_failed) write(NoticeDelivered{record.id});
  if (has(record.options.notify.events, Notify::file_transferred)) write(FilesOwed{record.id, {}});
  if (!record.owed_files.empty()) write(FilesOwed{record.id, record.owed_files.ranges()});
  if (record.committing) write(CommitStarted{record.id, record.times.modified, record.approved});
  if (is_void_commit(record)) write(end_of_void_commit(record));
}

namespace {

template <class Which>
std::uint64_t forget_unsynced_where(JobRecord& record, Which which) {
  std::uint64_t lost = 0;
  for (FileRecord& file : record.files) {
    if (!file.facts || !which(*file.facts)) continue;
    file.facts->syncs = 0;  // They ended with their process.
    if (file.facts->unsynced.empty() || file.stage == FileStage::committed) continue;
    if (file.stage == FileStage::finished) void_commit(record);
    edit_file(record, file, [&] {
      FileFacts& facts = *file.facts;
      lost += facts.unsynced.bytes();
      for (ByteRange range : facts.unsynced.ranges()) facts.arrived.subtract(range);
      facts.unsynced.clear();
      facts.preserved = FileAclFlags::none;
      facts.validated = false;
      file.stage = FileStage::started;
    });
  }
  return lost;
}

}  // namespace

std::uint64_t forget_unsynced(JobRecord& record) {
  return forget_unsynced_where(record, [](const FileFacts&) { return true; });
}

std::uint64_t forget_unsettled(JobRecord& record) {
  return forget_unsynced_where(record, [](const FileFacts& facts) { return facts.syncs > 0; });
}

std::vector<std::pair<FileIndex, std::uint64_t>> forget_arrived(JobRecord& record) {
  std::vector<std::pair<FileIndex, std::uint64_t>> lost;
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    FileRecord& file = record.files[i];
    if (!file.facts || file.stage == FileStage::waiting || file.stage == FileStage::committed) continue;
    const std::uint64_t bytes = file.facts->arrived.bytes();
    edit_file(record, file, [&] {
      file.facts->arrived.clear();
      file.facts->unsynced.clear();
      file.facts->preserved = FileAclFlags::none;
      file.facts->validated = false;
      file.stage = FileStage::started;
    });
    if (bytes > 0) lost.emplace_back(static_cast<FileIndex>(i), bytes);
  }
  return lost;
}

}  // namespace bgxfer::inline v0::detail
