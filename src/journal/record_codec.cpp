#include "record_codec.hpp"

#include <algorithm>
#include <utility>

#include "../model/secrets.hpp"
#include "error_codec.hpp"
#include "options_codec.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Tags of the fields of a record.
enum class Tag : std::uint8_t {
  job = 1,
  at = 2,
  file = 3,
  generation = 4,
  size = 5,
  resource_size = 6,
  validator = 7,
  modified = 8,
  device = 9,
  inode = 10,
  ranges = 11,
  durable = 12,
  committed = 13,
  count = 14,
  state = 15,
  error = 16,
  error_count = 17,
  options = 18,
  headers_withheld = 19,
  spec = 20,
  epoch = 21,
  file_id = 22,
  seq = 23,
  resumed = 24,
  active_time = 25,
  owner = 26,
  owner_elevated = 27,
  preserved = 28,
  source = 29,
  url = 30,
  prefix = 31,
  reported = 32,
  approved = 33,
};

/// Most payloads need no more, so that a record takes memory once.
constexpr std::size_t payload_bytes_usual = 128;
constexpr std::size_t ranges_usual = 4;

/// Writes the records of one change.
class RecordWriter {
 public:
  RecordWriter(FrameWriter& frames, Bytes& out) : frames_(frames), out_(out), fields_(payload_) {
    payload_.reserve(payload_bytes_usual);
  }

  void operator()(const JobCreated& change) { put_job(RecordType::job_created, change); }
  void operator()(const JobConfigured& change) { put_job(RecordType::job_configured, change); }

  void operator()(const FilesAdded& change) {
    begin(change.job, change.at);
    const std::size_t head = payload_.size();
    Bytes spec;
    for (const FileSpec& file : change.files) {
      spec.clear();
      put_spec(spec, file);
      const std::size_t cost = 1 + varint_bytes_max + spec.size();
      if (payload_.size() + cost > payload_bytes_max && payload_.size() > head) {
        frames_.append(out_, static_cast<std::uint16_t>(RecordType::files_added), record_more, payload_);
        payload_.resize(head);
      }
      fields_.raw(Tag::spec, spec);
    }
    finish(RecordType::files_added);
  }

  void operator()(const JobMoved& change) {
    begin(change.job, change.at);
    fields_.number(Tag::state, static_cast<std::uint64_t>(change.to));
    put_error_field(change.error);
    fields_.number(Tag::error_count, change.error_count);
    // A state that only a resumed job has says it already.
    fields_.flag(Tag::resumed, change.resumed && change.to == JobState::suspended);
    fields_.milliseconds(Tag::active_time, change.active_time);
    finish(RecordType::job_moved);
  }

  void operator()(const FileStarted& change) {
    begin(change);
    put_size(Tag::size, change.size);
    put_size(Tag::resource_size, change.resource_size);
    // A validator that does not fit proves nothing after a restart; the file is then compared or fetched again.
    if (change.validator.size() <= text_bytes_max) fields_.text(Tag::validator, change.validator);
    if (change.modified) fields_.time(Tag::modified, *change.modified);
    put_identity(change.identity);
    fields_.number(Tag::source, change.source);
    // What cannot be kept is learned again from the next answer.
    if (change.reported.size() <= text_bytes_max) fields_.text(Tag::reported, change.reported);
    finish(RecordType::file_started);
  }

  void operator()(const FileProgressed& change) {
    each_part(change.ranges, [&](const Bytes& ranges) {
      begin(change);
      fields_.raw(Tag::ranges, ranges);
      fields_.flag(Tag::durable, change.durable);
      finish(RecordType::file_progressed);
    });
  }

  void operator()(const FileRestarted& change) {
    begin(change);
    finish(RecordType::file_restarted);
  }

  void operator()(const FileFinished& change) {
    begin(change);
    fields_.number(Tag::size, change.size);
    if (change.modified) fields_.time(Tag::modified, *change.modified);
    put_identity(change.identity);
    fields_.flag(Tag::committed, change.committed);
    fields_.number(Tag::preserved, static_cast<std::uint64_t>(change.preserved));
    finish(RecordType::file_finished);
  }

  void operator()(const FilesSynced& change) { put_runs(RecordType::files_synced, change.job, change.files); }
  void operator()(const NoticeDelivered& change) {
    if (change.files.empty()) return put_plain(RecordType::notice_delivered, change.job);
    put_runs(RecordType::notice_delivered, change.job, change.files);
  }
  void operator()(const SyncBegun& change) {
    put_runs(RecordType::sync_begun, change.job, change.files, record_optional);
  }
  void operator()(const SyncEnded& change) {
    put_runs(RecordType::sync_ended, change.job, change.files, record_optional);
  }
  void operator()(const FilesOwed& change) { put_runs(RecordType::files_owed, change.job, change.files); }
  void operator()(const JobRemoved& change) { put_plain(RecordType::job_removed, change.job); }

  void operator()(const FileValidated& change) {
    begin(change.job);
    fields_.number(Tag::file, static_cast<std::uint32_t>(change.file));
    finish(RecordType::file_validated);
  }

  void operator()(const UrlChanged& change) {
    begin(change.job, change.at);
    fields_.number(Tag::file, static_cast<std::uint32_t>(change.file));
    fields_.text(Tag::url, change.url);
    fields_.text(Tag::prefix, change.prefix);
    finish(RecordType::url_changed);
  }

  void operator()(const Redirected& change) {
    begin(change.job);
    fields_.number(Tag::file, static_cast<std::uint32_t>(change.file));
    if (change.reported.size() <= text_bytes_max) fields_.text(Tag::reported, change.reported);
    finish(RecordType::redirected, record_optional);
  }

  void operator()(const CommitStarted& change) {
    begin(change.job, change.at);
    fields_.flag(Tag::approved, change.approved);
    finish(RecordType::commit_started);
  }

  void operator()(const CommitFailed& change) {
    begin(change.job, change.at);
    fields_.number(Tag::count, change.committed);
    put_error_field(change.error);
    finish(RecordType::commit_failed);
  }

  void operator()(const Session& session) {
    fields_.text(Tag::epoch, session.epoch.size() <= text_bytes_max ? session.epoch : std::string());
    fields_.raw(Tag::file_id, session.file_id);
    finish(RecordType::session);
  }

  void operator()(const Synced& synced) {
    fields_.number(Tag::seq, synced.seq);
    finish(RecordType::synced);
  }

 private:
  void begin(const JobId& job) { fields_.raw(Tag::job, std::as_bytes(std::span(job.bytes()))); }

  void begin(const JobId& job, WallTime at) {
    begin(job);
    fields_.time(Tag::at, at);
  }

  template <class FileChange>
  requires requires(const FileChange& change) { change.generation; }
  void begin(const FileChange& change) {
    begin(change.job);
    fields_.number(Tag::file, static_cast<std::uint32_t>(change.file));
    fields_.number(Tag::generation, change.generation);
  }

  void finish(RecordType type, std::uint16_t flags = 0) {
    frames_.append(out_, static_cast<std::uint16_t>(type), flags, payload_);
  }

  /// Calls `write` for as many ranges as fit into one record, until all are written. Each part says something
  /// of its own, so a long list may be cut anywhere.
  template <class Write>
  void each_part(const std::vector<ByteRange>& ranges, Write write) {
    constexpr std::size_t ranges_per_record = 32 * 1024;
    std::size_t next = 0;
    do {
      payload_.clear();
      const std::size_t end = std::min(ranges.size(), next + ranges_per_record);
      Bytes part;
      part.reserve(2 * varint_bytes_max * std::min(end - next, ranges_usual));
      for (; next < end; ++next) {
        if (!ranges[next].empty()) put_range(part, ranges[next]);
      }
      write(part);
    } while (next < ranges.size());
  }

  void put_runs(RecordType type, const JobId& job, const std::vector<ByteRange>& runs, std::uint16_t flags = 0) {
    each_part(runs, [&](const Bytes& part) {
      begin(job);
      fields_.raw(Tag::ranges, part);
      finish(type, flags);
    });
  }

  void put_plain(RecordType type, const JobId& job) {
    begin(job);
    finish(type);
  }

  template <class OptionsChange>
  void put_job(RecordType type, const OptionsChange& change) {
    begin(change.job, change.at);
    Bytes options;
    put_options(options, change.options);
    fields_.raw(Tag::options, options);
    fields_.flag(Tag::headers_withheld, change.headers_withheld || has_secrets(change.options.http));
    put_owner(change.owner);
    finish(type);
  }

  void put_owner(const Owner& owner) {
    fields_.text(Tag::owner, owner.name);
    fields_.flag(Tag::owner_elevated, owner.elevated);
  }
  void put_owner(const std::optional<Owner>& owner) {
    if (owner) put_owner(*owner);
  }

  void put_error_field(const std::optional<Error>& error) {
    if (!error) return;
    Bytes bytes;
    put_error(bytes, *error);
    fields_.raw(Tag::error, bytes);
  }

  void put_size(Tag tag, std::uint64_t size) {
    if (size != size_unknown) fields_.number_or_zero(tag, size);
  }

  void put_identity(const FileIdentity& identity) {
    fields_.number(Tag::device, identity.device);
    fields_.number(Tag::inode, identity.inode);
  }

  FrameWriter& frames_;
  Bytes& out_;
  Bytes payload_;
  FieldWriter fields_;
};

/// Every field that a record can have, and which of them it had.
struct Fields {
  std::uint64_t present = 0;
  JobId job;
  WallTime at{};
  FileIndex file{};
  std::uint32_t generation = 0;
  std::uint64_t size = size_unknown;
  std::uint64_t resource_size = size_unknown;
  std::string validator;
  std::optional<WallTime> modified;
  FileIdentity identity;
  std::vector<ByteRange> ranges;
  bool durable = false;
  bool committed = false;
  FileAclFlags preserved = FileAclFlags::none;
  std::uint32_t source = 0;
  std::uint32_t count = 0;
  JobState state{};
  std::optional<Error> error;
  std::uint32_t error_count = 0;
  JobOptions options;
  bool headers_withheld = false;
  std::vector<FileSpec> files;
  std::string epoch;
  FileId file_id{};
  std::uint64_t seq = 0;
  bool resumed = false;
  std::chrono::milliseconds active_time{0};
  Owner owner;
  std::string url;
  std::string prefix;
  std::string reported;
  bool approved = false;
};

constexpr std::uint64_t bit(Tag tag) { return std::uint64_t{1} << static_cast<unsigned>(tag); }

Fields read_fields(View payload, Sense& sense) {
  Fields all;
  FieldReader fields(payload, sense, static_cast<std::uint8_t>(Tag::approved), static_cast<std::uint8_t>(Tag::spec));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    const View value = field.value;
    const Tag tag = static_cast<Tag>(field.tag);
    all.present |= bit(tag);
    switch (tag) {
      case Tag::job: all.job = JobId(values.array<std::array<std::uint8_t, 16>>(value)); break;
      case Tag::at: all.at = values.time(value); break;
      case Tag::file: all.file = static_cast<FileIndex>(values.number32(value)); break;
      case Tag::generation: all.generation = values.number32(value); break;
      case Tag::size: all.size = values.size(value); break;
      case Tag::resource_size: all.resource_size = values.size(value); break;
      case Tag::validator: all.validator = values.text(value); break;
      case Tag::modified: all.modified = values.time(value); break;
      case Tag::device: all.identity.device = values.number(value); break;
      case Tag::inode: all.identity.inode = values.number(value); break;
      case Tag::ranges: all.ranges = values.ranges(value, payload_bytes_max, false); break;
      case Tag::durable: all.durable = values.flag(value); break;
      case Tag::committed: all.committed = values.flag(value); break;
      case Tag::count: all.count = values.number32(value); break;
      case Tag::state: all.state = values.enumerator(value, JobState::cancelled); break;
      case Tag::error: all.error = read_error(value, sense); break;
      case Tag::error_count: all.error_count = values.number32(value); break;
      case Tag::options: all.options = read_options(value, sense); break;
      case Tag::headers_withheld: all.headers_withheld = values.flag(value); break;
      case Tag::spec: all.files.push_back(read_spec(value, sense)); break;
      case Tag::epoch: all.epoch = values.text(value); break;
      case Tag::file_id: all.file_id = values.array<FileId>(value); break;
      case Tag::seq: all.seq = values.number(value); break;
      case Tag::resumed: all.resumed = values.flag(value); break;
      case Tag::active_time: all.active_time = values.milliseconds(value); break;
      case Tag::owner: all.owner.name = values.text(value); break;
      case Tag::owner_elevated: all.owner.elevated = values.flag(value); break;
      case Tag::preserved: all.preserved = values.enumerator(value, FileAclFlags::all); break;
      case Tag::source: all.source = values.number32(value); break;
      case Tag::url: all.url = values.text(value); break;
      case Tag::prefix: all.prefix = values.text(value); break;
      case Tag::reported: all.reported = values.text(value); break;
      case Tag::approved: all.approved = values.flag(value); break;
    }
  }
  return all;
}

/// The fields that a record of this type must have, and those that it may have. Nothing for a type that is not known.
struct Shape {
  std::uint64_t must = 0;
  std::uint64_t may = 0;
};

std::optional<Shape> shape_of(RecordType type) {
  constexpr std::uint64_t job = bit(Tag::job);
  constexpr std::uint64_t at = bit(Tag::at);
  constexpr std::uint64_t one_file = bit(Tag::file) | bit(Tag::generation);
  constexpr std::uint64_t identity = bit(Tag::device) | bit(Tag::inode);
  switch (type) {
    case RecordType::session: return Shape{bit(Tag::file_id), bit(Tag::epoch)};
    case RecordType::job_created:
    case RecordType::job_configured:
      return Shape{job | at | bit(Tag::options),
                   bit(Tag::headers_withheld) | bit(Tag::owner) | bit(Tag::owner_elevated)};
    case RecordType::files_added: return Shape{job | at, bit(Tag::spec)};
    case RecordType::job_moved:
      return Shape{job | at, bit(Tag::state) | bit(Tag::error) | bit(Tag::error_count) | bit(Tag::resumed) |
                                 bit(Tag::active_time)};
    case RecordType::file_started:
      return Shape{job, one_file | identity | bit(Tag::size) | bit(Tag::resource_size) | bit(Tag::validator) |
                            bit(Tag::modified) | bit(Tag::source) | bit(Tag::reported)};
    case RecordType::file_progressed: return Shape{job | bit(Tag::ranges), one_file | bit(Tag::durable)};
    case RecordType::file_restarted: return Shape{job, one_file};
    case RecordType::file_finished:
      return Shape{
          job, one_file | identity | bit(Tag::size) | bit(Tag::modified) | bit(Tag::committed) | bit(Tag::preserved)};
    case RecordType::files_synced:
    case RecordType::sync_begun:
    case RecordType::sync_ended: return Shape{job | bit(Tag::ranges), 0};
    case RecordType::notice_delivered:
    case RecordType::files_owed: return Shape{job, bit(Tag::ranges)};
    case RecordType::job_removed: return Shape{job, 0};
    case RecordType::commit_started: return Shape{job | at, bit(Tag::approved)};
    case RecordType::commit_failed: return Shape{job | at, bit(Tag::count) | bit(Tag::error)};
    case RecordType::file_validated: return Shape{job, bit(Tag::file)};
    case RecordType::url_changed: return Shape{job | at | bit(Tag::url), bit(Tag::file) | bit(Tag::prefix)};
    case RecordType::redirected: return Shape{job, bit(Tag::file) | bit(Tag::reported)};
    case RecordType::synced: return Shape{bit(Tag::seq), 0};
  }
  return std::nullopt;
}

Change make_change(RecordType type, Fields all) {
  switch (type) {
    case RecordType::session:
    case RecordType::synced: break;
    case RecordType::job_created:
      return JobCreated{all.job, std::move(all.options), all.headers_withheld, all.at, std::move(all.owner)};
    case RecordType::job_configured: {
      std::optional<Owner> owner;
      if ((all.present & (bit(Tag::owner) | bit(Tag::owner_elevated))) != 0) owner = std::move(all.owner);
      return JobConfigured{all.job, std::move(all.options), all.headers_withheld, all.at, std::move(owner)};
    }
    case RecordType::files_added: return FilesAdded{all.job, std::move(all.files), all.at};
    case RecordType::job_moved:
      return JobMoved{all.job, all.state, std::move(all.error), all.error_count, all.at, all.resumed, all.active_time};
    case RecordType::file_started:
      return FileStarted{all.job,
                         all.file,
                         all.generation,
                         all.identity,
                         all.size,
                         all.resource_size,
                         std::move(all.validator),
                         all.modified,
                         all.source,
                         std::move(all.reported)};
    case RecordType::file_progressed:
      return FileProgressed{all.job, all.file, all.generation, all.durable, std::move(all.ranges)};
    case RecordType::file_restarted: return FileRestarted{all.job, all.file, all.generation};
    case RecordType::file_finished:
      return FileFinished{
          all.job,      all.file,      all.generation, all.identity, all.size == size_unknown ? 0 : all.size,
          all.modified, all.committed, all.preserved};
    case RecordType::files_synced: return FilesSynced{all.job, std::move(all.ranges)};
    case RecordType::commit_started: return CommitStarted{all.job, all.at, all.approved};
    case RecordType::commit_failed: return CommitFailed{all.job, all.count, std::move(all.error), all.at};
    case RecordType::sync_begun: return SyncBegun{all.job, std::move(all.ranges)};
    case RecordType::sync_ended: return SyncEnded{all.job, std::move(all.ranges)};
    case RecordType::notice_delivered: return NoticeDelivered{all.job, std::move(all.ranges)};
    case RecordType::files_owed: return FilesOwed{all.job, std::move(all.ranges)};
    case RecordType::file_validated: return FileValidated{all.job, all.file};
    case RecordType::url_changed:
      return UrlChanged{all.job, all.file, std::move(all.prefix), std::move(all.url), all.at};
    case RecordType::redirected: return Redirected{all.job, all.file, std::move(all.reported)};
    case RecordType::job_removed: break;
  }
  return JobRemoved{all.job};
}

}  // namespace

void encode(const Change& change, FrameWriter& frames, std::vector<std::byte>& out) {
  RecordWriter writer(frames, out);
  std::visit(writer, change);
}

void encode(const Session& session, FrameWriter& frames, std::vector<std::byte>& out) {
  RecordWriter writer(frames, out);
  writer(session);
}

void encode(const Synced& synced, FrameWriter& frames, std::vector<std::byte>& out) {
  RecordWriter writer(frames, out);
  writer(synced);
}

Result<void> check_encodable(const Change& change) {
  if (const auto* created = std::get_if<JobCreated>(&change)) return check_options(created->options);
  if (const auto* configured = std::get_if<JobConfigured>(&change)) return check_options(configured->options);
  if (const auto* changed = std::get_if<UrlChanged>(&change)) {
    return check_text("url", std::max(changed->url.size(), changed->prefix.size()));
  }
  const auto* added = std::get_if<FilesAdded>(&change);
  if (!added) return {};
  for (const FileSpec& spec : added->files) {
    Result<void> fits = check_spec(spec);
    if (!fits) return fits;
  }
  return {};
}

RecordReading decode(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> payload) {
  RecordReading reading;
  const auto known_type = static_cast<RecordType>(type);
  const std::optional<Shape> shape = shape_of(known_type);
  const bool may_go_on = known_type == RecordType::files_added;
  const bool flags_known = (flags & ~record_flags_known) == 0 && ((flags & record_more) == 0 || may_go_on);
  if (!shape || !flags_known) {
    reading.verdict = (flags & record_optional) != 0 ? RecordVerdict::skipped : RecordVerdict::newer;
    return reading;
  }

  Sense sense = Sense::good;
  Fields all = read_fields(payload, sense);
  if (sense == Sense::good && (all.present & ~(shape->must | shape->may)) != 0) sense = Sense::newer;
  if (sense == Sense::good && (all.present & shape->must) != shape->must) sense = Sense::malformed;
  if (sense == Sense::good && (has_control(all.url) || has_control(all.reported))) sense = Sense::malformed;
  if (sense != Sense::good) {
    reading.verdict = sense == Sense::newer ? RecordVerdict::newer : RecordVerdict::malformed;
    return reading;
  }
  if (known_type == RecordType::session) {
    reading.verdict = RecordVerdict::session;
    reading.session = Session{std::move(all.epoch), all.file_id};
    return reading;
  }
  if (known_type == RecordType::synced) {
    reading.verdict = RecordVerdict::synced;
    reading.synced = Synced{all.seq};
    return reading;
  }
  reading.verdict = RecordVerdict::change;
  reading.change = make_change(known_type, std::move(all));
  return reading;
}

}  // namespace bgxfer::inline v0::detail
