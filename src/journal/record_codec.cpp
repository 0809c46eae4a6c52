#include "record_codec.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <system_error>
#include <type_traits>
#include <utility>

#include "little_endian.hpp"

namespace bgxfer::inline v0::detail {

namespace {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

/// A field whose tag has this bit may be skipped by a reader that does not know it.
constexpr std::uint8_t tag_optional = 0x80;

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
};

/// Tags inside an error.
enum class ErrorTag : std::uint8_t { category = 1, value = 2, context = 3, detail = 4, file = 5, retry_after = 6 };

/// Tags inside the options of a job.
enum class OptionTag : std::uint8_t {
  display_name = 1,
  description = 2,
  type = 3,
  priority = 4,
  parallel_files = 5,
  retry_delay_min = 6,
  retry_delay_max = 7,
  no_progress_timeout = 8,
  bytes_per_second_max = 9,
  redirect_hops_max = 10,
  allow_https_to_http = 11,
};

/// Tags inside a file of a job.
enum class SpecTag : std::uint8_t { url = 1, target = 2, ranges = 3, sha256 = 4, size = 5 };

constexpr std::size_t varint_bytes_max = 10;

/// 139 years: whoever adds it to a point in time still gets one.
constexpr std::chrono::milliseconds milliseconds_max{std::int64_t{1} << 42};

void put_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::byte>(value));
}

/// The wall clock as the format has it: nanoseconds since 1970.
std::int64_t nanoseconds_of(WallTime at) {
  using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
  return std::chrono::duration_cast<Nanoseconds>(at.time_since_epoch()).count();
}

WallTime time_of(std::int64_t nanoseconds) {
  using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
  return WallTime(std::chrono::duration_cast<WallTime::duration>(Nanoseconds(nanoseconds)));
}

/// A span of time as the format has it: neither negative nor endless.
std::uint64_t count_of(std::chrono::milliseconds span) {
  return static_cast<std::uint64_t>(std::clamp(span, std::chrono::milliseconds{0}, milliseconds_max).count());
}

// ---- Writing

/// Builds a payload, field by field, in the order of the tags.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out) {}

  template <class T>
  void raw(T tag, View value) {
    out_.push_back(static_cast<std::byte>(tag));
    put_varint(out_, value.size());
    out_.insert(out_.end(), value.begin(), value.end());
  }

  /// A number in as few bytes as it needs; none at all for zero.
  template <class T>
  void number(T tag, std::uint64_t value) {
    if (value != 0) number_or_zero(tag, value);
  }

  /// The same for a field whose absence means something else than zero.
  template <class T>
  void number_or_zero(T tag, std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    store_le(std::span<std::byte>(bytes), value);
    std::size_t length = bytes.size();
    while (length > 0 && bytes[length - 1] == std::byte{0}) --length;
    raw(tag, View(bytes).first(length));
  }

  template <class T>
  void text(T tag, std::string_view value) {
    if (!value.empty()) raw(tag, std::as_bytes(std::span(value)));
  }

  template <class T>
  void flag(T tag, bool value) {
    if (value) raw(tag, {});
  }

  template <class T>
  void time(T tag, WallTime value) {
    std::array<std::byte, 8> bytes{};
    store_le(std::span<std::byte>(bytes), static_cast<std::uint64_t>(nanoseconds_of(value)));
    raw(tag, bytes);
  }

  template <class T>
  void milliseconds(T tag, std::chrono::milliseconds value) {
    number(tag, count_of(value));
  }

 private:
  Bytes& out_;
};

void put_range(Bytes& out, ByteRange range) {
  put_varint(out, range.offset);
  put_varint(out, range.length + 1);  // "To the end" is the greatest number, and so becomes zero.
}

View part_of(std::string_view text, std::size_t bytes_max) {
  return std::as_bytes(std::span(text.substr(0, bytes_max)));
}

/// The categories that mean the same to every reader, by name.
const std::error_category* find_category(std::string_view name) {
  for (const std::error_category* category :
       {&error_category(), &http_category(), &std::generic_category(), &std::system_category()}) {
    if (name == category->name()) return category;
  }
  return nullptr;
}

void put_error(Bytes& out, const Error& error) {
  std::error_code code = error.code();
  std::string detail = error.detail();
  if (find_category(code.category().name()) != &code.category()) {
    detail = std::string(code.category().name()) + " " + std::to_string(code.value()) + ", " + error.message();
    code = std::make_error_code(std::errc::io_error);
  }
  FieldWriter fields(out);
  fields.text(ErrorTag::category, code.category().name());
  std::array<std::byte, 4> value{};
  store_le(std::span<std::byte>(value), static_cast<std::uint32_t>(code.value()));
  fields.raw(ErrorTag::value, value);
  fields.number(ErrorTag::context, static_cast<std::uint64_t>(error.context()));
  if (!detail.empty()) fields.raw(ErrorTag::detail, part_of(detail, error_detail_bytes_max));
  if (error.file()) fields.number_or_zero(ErrorTag::file, *error.file());
  if (error.retry_after()) {
    fields.number_or_zero(ErrorTag::retry_after, count_of(*error.retry_after()));
  }
}

void put_options(Bytes& out, const JobOptions& options) {
  FieldWriter fields(out);
  fields.text(OptionTag::display_name, options.display_name);
  fields.text(OptionTag::description, options.description);
  fields.number(OptionTag::type, static_cast<std::uint64_t>(options.type));
  fields.number(OptionTag::priority, static_cast<std::uint64_t>(options.priority));
  fields.number(OptionTag::parallel_files, options.parallel_files);
  fields.milliseconds(OptionTag::retry_delay_min, options.retry_delay_min);
  fields.milliseconds(OptionTag::retry_delay_max, options.retry_delay_max);
  fields.milliseconds(OptionTag::no_progress_timeout, options.no_progress_timeout);
  fields.number(OptionTag::bytes_per_second_max, options.bytes_per_second_max);
  fields.number(OptionTag::redirect_hops_max, options.http.redirects.hops_max);
  fields.flag(OptionTag::allow_https_to_http, options.http.redirects.allow_https_to_http);
}

void put_spec(Bytes& out, const FileSpec& spec) {
  FieldWriter fields(out);
  fields.text(SpecTag::url, spec.url);
  fields.text(SpecTag::target, spec.target.string());
  if (!spec.ranges.empty()) {
    Bytes ranges;
    for (ByteRange range : spec.ranges) put_range(ranges, range);
    fields.raw(SpecTag::ranges, ranges);
  }
  if (spec.sha256) fields.raw(SpecTag::sha256, spec.sha256->bytes);
  if (spec.size) fields.number_or_zero(SpecTag::size, *spec.size);
}

/// Writes the records of one change.
class RecordWriter {
 public:
  RecordWriter(FrameWriter& frames, Bytes& out) : frames_(frames), out_(out), fields_(payload_) {}

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
    finish(RecordType::file_finished);
  }

  void operator()(const FilesSynced& change) {
    each_part(change.files, [&](const Bytes& runs) {
      begin(change.job);
      fields_.raw(Tag::ranges, runs);
      finish(RecordType::files_synced);
    });
  }
  void operator()(const NoticeDelivered& change) { put_plain(RecordType::notice_delivered, change.job); }
  void operator()(const JobRemoved& change) { put_plain(RecordType::job_removed, change.job); }

  void operator()(const CommitStarted& change) {
    begin(change.job, change.at);
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

  void finish(RecordType type) { frames_.append(out_, static_cast<std::uint16_t>(type), 0, payload_); }

  /// Calls `write` for as many ranges as fit into one record, until all are written. Each part says something
  /// of its own, so a long list may be cut anywhere.
  template <class Write>
  void each_part(const std::vector<ByteRange>& ranges, Write write) {
    constexpr std::size_t ranges_per_record = 32 * 1024;
    std::size_t next = 0;
    do {
      payload_.clear();
      Bytes part;
      const std::size_t end = std::min(ranges.size(), next + ranges_per_record);
      for (; next < end; ++next) {
        if (!ranges[next].empty()) put_range(part, ranges[next]);
      }
      write(part);
    } while (next < ranges.size());
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
    fields_.flag(Tag::headers_withheld, change.headers_withheld || !change.options.http.headers.empty());
    finish(type);
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

// ---- Reading

/// One field. `tag` is 0 at the end.
struct Field {
  std::uint8_t tag = 0;
  View value;
};

/// What a reading has come to: the first thing that is wrong wins.
enum class Sense : std::uint8_t { good, malformed, newer };

/// Takes a payload apart. Tags must rise; only `repeatable` may come again. Unknown fields that may be skipped are.
class FieldReader {
 public:
  FieldReader(View bytes, Sense& sense, std::uint8_t tag_known_max, std::uint8_t repeatable = 0)
      : rest_(bytes), sense_(sense), known_max_(tag_known_max), repeatable_(repeatable) {}

  /// The next known field; none at the end, or once something is wrong.
  Field next() {
    while (sense_ == Sense::good && !rest_.empty()) {
      Field field;
      field.tag = static_cast<std::uint8_t>(rest_.front());
      rest_ = rest_.subspan(1);
      const std::optional<std::uint64_t> length = varint();
      const bool in_order = field.tag > last_ || (field.tag == last_ && field.tag == repeatable_);
      if (!length || *length > rest_.size() || !in_order || field.tag == 0) return fail(Sense::malformed);
      last_ = field.tag;
      field.value = rest_.first(static_cast<std::size_t>(*length));
      rest_ = rest_.subspan(field.value.size());
      if ((field.tag & tag_optional) != 0) continue;  // None is known yet.
      if (field.tag > known_max_) return fail(Sense::newer);
      return field;
    }
    return {};
  }

  Field fail(Sense why) {
    if (sense_ == Sense::good) sense_ = why;
    return {};
  }

  [[nodiscard]] std::optional<std::uint64_t> varint() { return take_varint(rest_); }

  /// A varint off the front of `from`; empty if it is cut off, too long or longer than it needs to be.
  static std::optional<std::uint64_t> take_varint(View& from) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < varint_bytes_max && i < from.size(); ++i) {
      const auto byte = static_cast<std::uint64_t>(from[i]);
      if (i == varint_bytes_max - 1 && byte > 1) return std::nullopt;
      value |= (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) != 0) continue;
      if (byte == 0 && i > 0) return std::nullopt;
      from = from.subspan(i + 1);
      return value;
    }
    return std::nullopt;
  }

 private:
  View rest_;
  Sense& sense_;
  std::uint8_t known_max_;
  std::uint8_t repeatable_;
  std::uint8_t last_ = 0;
};

/// Makes values of fields; what cannot be one spoils `sense`.
class ValueReader {
 public:
  explicit ValueReader(Sense& sense) : sense_(sense) {}

  std::uint64_t number(View value, std::uint64_t largest = std::numeric_limits<std::uint64_t>::max()) {
    if (value.size() > 8 || (!value.empty() && value.back() == std::byte{0})) return spoil();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < value.size(); ++i) number |= static_cast<std::uint64_t>(value[i]) << (8 * i);
    return number <= largest ? number : spoil();
  }

  std::uint32_t number32(View value) {
    return static_cast<std::uint32_t>(number(value, std::numeric_limits<std::uint32_t>::max()));
  }

  /// A size that is known.
  std::uint64_t size(View value) { return number(value, size_unknown - 1); }

  template <class Enum>
  Enum enumerator(View value, Enum last) {
    return static_cast<Enum>(number(value, static_cast<std::uint64_t>(last)));
  }

  std::string text(View value, std::size_t bytes_max = text_bytes_max) {
    if (value.empty() || value.size() > bytes_max) {
      spoil();
      return {};
    }
    return std::string(reinterpret_cast<const char*>(value.data()), value.size());
  }

  bool flag(View value) {
    if (!value.empty()) spoil();
    return true;
  }

  WallTime time(View value) {
    if (value.size() != 8) {
      spoil();
      return {};
    }
    return time_of(static_cast<std::int64_t>(load_le<std::uint64_t>(value)));
  }

  std::chrono::milliseconds milliseconds(View value) {
    const auto largest = static_cast<std::uint64_t>(milliseconds_max.count());
    return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(number(value, largest))};
  }

  template <class Array>
  Array array(View value) {
    Array array{};
    if (value.size() != array.size()) {
      spoil();
      return array;
    }
    std::transform(value.begin(), value.end(), array.begin(),
                   [](std::byte byte) { return static_cast<typename Array::value_type>(byte); });
    return array;
  }

  /// Ranges that have bytes. `open_end`: one may run to the end of the resource.
  std::vector<ByteRange> ranges(View value, std::size_t count_max, bool open_end) {
    std::vector<ByteRange> all;
    all.reserve(std::min(count_max, value.size() / 2));
    while (!value.empty()) {
      const std::optional<std::uint64_t> offset = FieldReader::take_varint(value);
      const std::optional<std::uint64_t> length = offset ? FieldReader::take_varint(value) : std::nullopt;
      if (!length || all.size() == count_max) {
        spoil();
        return {};
      }
      const ByteRange range{*offset, *length - 1};
      const bool closed = range.length < ByteRange::to_end - range.offset;
      if (range.length == 0 || range.offset == ByteRange::to_end || (!closed && !open_end)) {
        spoil();
        return {};
      }
      all.push_back(range);
    }
    return all;
  }

 private:
  std::uint64_t spoil() {
    if (sense_ == Sense::good) sense_ = Sense::malformed;
    return 0;
  }

  Sense& sense_;
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// What every file of a job must be, whoever wrote it down.
bool plausible(const FileSpec& spec) {
  return !spec.url.empty() && !has_control(spec.url) && spec.target.is_absolute() &&
         spec.target.native().find(std::filesystem::path::value_type{}) == std::filesystem::path::string_type::npos;
}

std::optional<Error> read_error(View bytes, Sense& sense) {
  std::string category;
  std::optional<std::int32_t> value;
  ErrorContext context = ErrorContext::none;
  std::string detail;
  std::optional<std::uint32_t> file;
  std::optional<std::chrono::milliseconds> retry_after;

  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(ErrorTag::retry_after));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<ErrorTag>(field.tag)) {
      case ErrorTag::category:
        category = values.text(field.value);
        break;
      case ErrorTag::value: {
        const auto raw = values.array<std::array<std::byte, 4>>(field.value);
        value = static_cast<std::int32_t>(load_le<std::uint32_t>(std::span<const std::byte>(raw)));
        break;
      }
      case ErrorTag::context:
        context = values.enumerator(field.value, ErrorContext::server_certificate);
        break;
      case ErrorTag::detail:
        detail = values.text(field.value, error_detail_bytes_max);
        break;
      case ErrorTag::file:
        file = values.number32(field.value);
        break;
      case ErrorTag::retry_after:
        retry_after = values.milliseconds(field.value);
        break;
    }
  }
  const std::error_category* known = find_category(category);
  if (!known || !value) {
    fields.fail(Sense::malformed);
    return std::nullopt;
  }
  Error error(std::error_code(*value, *known), context, std::move(detail));
  if (file) error = error.with_file(*file);
  if (retry_after) error = error.with_retry_after(*retry_after);
  return error;
}

JobOptions read_options(View bytes, Sense& sense) {
  using std::chrono::milliseconds;
  JobOptions options;
  // A field that is absent was zero when it was written, whatever the default is today.
  options.priority = Priority::foreground;
  options.parallel_files = 0;
  options.retry_delay_min = options.retry_delay_max = options.no_progress_timeout = milliseconds{0};
  options.http.redirects.hops_max = 0;

  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(OptionTag::allow_https_to_http));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<OptionTag>(field.tag)) {
      case OptionTag::display_name:
        options.display_name = values.text(field.value);
        break;
      case OptionTag::description:
        options.description = values.text(field.value);
        break;
      case OptionTag::type:
        options.type = values.enumerator(field.value, JobType::download);
        break;
      case OptionTag::priority:
        options.priority = values.enumerator(field.value, Priority::low);
        break;
      case OptionTag::parallel_files:
        options.parallel_files = values.number32(field.value);
        break;
      case OptionTag::retry_delay_min:
        options.retry_delay_min = values.milliseconds(field.value);
        break;
      case OptionTag::retry_delay_max:
        options.retry_delay_max = values.milliseconds(field.value);
        break;
      case OptionTag::no_progress_timeout:
        options.no_progress_timeout = values.milliseconds(field.value);
        break;
      case OptionTag::bytes_per_second_max:
        options.bytes_per_second_max = values.number(field.value);
        break;
      case OptionTag::redirect_hops_max:
        options.http.redirects.hops_max = values.number32(field.value);
        break;
      case OptionTag::allow_https_to_http:
        options.http.redirects.allow_https_to_http = values.flag(field.value);
        break;
    }
  }
  return options;
}

FileSpec read_spec(View bytes, Sense& sense) {
  FileSpec spec;
  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(SpecTag::size));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<SpecTag>(field.tag)) {
      case SpecTag::url:
        spec.url = values.text(field.value);
        break;
      case SpecTag::target:
        spec.target = values.text(field.value);
        break;
      case SpecTag::ranges:
        spec.ranges = values.ranges(field.value, ranges_per_spec_max, true);
        break;
      case SpecTag::sha256:
        spec.sha256 = Sha256{values.array<std::array<std::byte, 32>>(field.value)};
        break;
      case SpecTag::size:
        spec.size = values.size(field.value);
        break;
    }
  }
  if (sense == Sense::good && !plausible(spec)) fields.fail(Sense::malformed);
  return spec;
}

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
};

constexpr std::uint64_t bit(Tag tag) { return std::uint64_t{1} << static_cast<unsigned>(tag); }

Fields read_fields(View payload, Sense& sense) {
  Fields all;
  FieldReader fields(payload, sense, static_cast<std::uint8_t>(Tag::seq), static_cast<std::uint8_t>(Tag::spec));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    const View value = field.value;
    const Tag tag = static_cast<Tag>(field.tag);
    all.present |= bit(tag);
    switch (tag) {
      case Tag::job:
        all.job = JobId(values.array<std::array<std::uint8_t, 16>>(value));
        break;
      case Tag::at:
        all.at = values.time(value);
        break;
      case Tag::file:
        all.file = static_cast<FileIndex>(values.number32(value));
        break;
      case Tag::generation:
        all.generation = values.number32(value);
        break;
      case Tag::size:
        all.size = values.size(value);
        break;
      case Tag::resource_size:
        all.resource_size = values.size(value);
        break;
      case Tag::validator:
        all.validator = values.text(value);
        break;
      case Tag::modified:
        all.modified = values.time(value);
        break;
      case Tag::device:
        all.identity.device = values.number(value);
        break;
      case Tag::inode:
        all.identity.inode = values.number(value);
        break;
      case Tag::ranges:
        all.ranges = values.ranges(value, payload_bytes_max, false);
        break;
      case Tag::durable:
        all.durable = values.flag(value);
        break;
      case Tag::committed:
        all.committed = values.flag(value);
        break;
      case Tag::count:
        all.count = values.number32(value);
        break;
      case Tag::state:
        all.state = values.enumerator(value, JobState::cancelled);
        break;
      case Tag::error:
        all.error = read_error(value, sense);
        break;
      case Tag::error_count:
        all.error_count = values.number32(value);
        break;
      case Tag::options:
        all.options = read_options(value, sense);
        break;
      case Tag::headers_withheld:
        all.headers_withheld = values.flag(value);
        break;
      case Tag::spec:
        all.files.push_back(read_spec(value, sense));
        break;
      case Tag::epoch:
        all.epoch = values.text(value);
        break;
      case Tag::file_id:
        all.file_id = values.array<FileId>(value);
        break;
      case Tag::seq:
        all.seq = values.number(value);
        break;
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
    case RecordType::session:
      return Shape{bit(Tag::file_id), bit(Tag::epoch)};
    case RecordType::job_created:
    case RecordType::job_configured:
      return Shape{job | at | bit(Tag::options), bit(Tag::headers_withheld)};
    case RecordType::files_added:
      return Shape{job | at, bit(Tag::spec)};
    case RecordType::job_moved:
      return Shape{job | at, bit(Tag::state) | bit(Tag::error) | bit(Tag::error_count)};
    case RecordType::file_started:
      return Shape{job, one_file | identity | bit(Tag::size) | bit(Tag::resource_size) | bit(Tag::validator) |
                            bit(Tag::modified)};
    case RecordType::file_progressed:
      return Shape{job | bit(Tag::ranges), one_file | bit(Tag::durable)};
    case RecordType::file_restarted:
      return Shape{job, one_file};
    case RecordType::file_finished:
      return Shape{job, one_file | identity | bit(Tag::size) | bit(Tag::modified) | bit(Tag::committed)};
    case RecordType::files_synced:
      return Shape{job | bit(Tag::ranges), 0};
    case RecordType::notice_delivered:
    case RecordType::job_removed:
      return Shape{job, 0};
    case RecordType::commit_started:
      return Shape{job | at, 0};
    case RecordType::commit_failed:
      return Shape{job | at, bit(Tag::count) | bit(Tag::error)};
    case RecordType::synced:
      return Shape{bit(Tag::seq), 0};
  }
  return std::nullopt;
}

Change make_change(RecordType type, Fields all) {
  switch (type) {
    case RecordType::session:
    case RecordType::synced:
      break;
    case RecordType::job_created:
      return JobCreated{all.job, std::move(all.options), all.headers_withheld, all.at};
    case RecordType::job_configured:
      return JobConfigured{all.job, std::move(all.options), all.headers_withheld, all.at};
    case RecordType::files_added:
      return FilesAdded{all.job, std::move(all.files), all.at};
    case RecordType::job_moved:
      return JobMoved{all.job, all.state, std::move(all.error), all.error_count, all.at};
    case RecordType::file_started:
      return FileStarted{all.job,  all.file,          all.generation,           all.identity,
                         all.size, all.resource_size, std::move(all.validator), all.modified};
    case RecordType::file_progressed:
      return FileProgressed{all.job, all.file, all.generation, all.durable, std::move(all.ranges)};
    case RecordType::file_restarted:
      return FileRestarted{all.job, all.file, all.generation};
    case RecordType::file_finished:
      return FileFinished{
          all.job,      all.file,     all.generation, all.identity, all.size == size_unknown ? 0 : all.size,
          all.modified, all.committed};
    case RecordType::files_synced:
      return FilesSynced{all.job, std::move(all.ranges)};
    case RecordType::commit_started:
      return CommitStarted{all.job, all.at};
    case RecordType::commit_failed:
      return CommitFailed{all.job, all.count, std::move(all.error), all.at};
    case RecordType::notice_delivered:
      return NoticeDelivered{all.job};
    case RecordType::job_removed:
      break;
  }
  return JobRemoved{all.job};
}

Error refusal(Errc code, std::string detail) { return Error(code, ErrorContext::queue, std::move(detail)); }

Result<void> check_text(std::string_view name, std::size_t bytes) {
  if (bytes <= text_bytes_max) return {};
  return refusal(Errc::string_too_long, std::string(name) + " has " + std::to_string(bytes) +
                                            " bytes; the journal keeps " + std::to_string(text_bytes_max));
}

Result<void> check_options(const JobOptions& options) {
  Result<void> name = check_text("display_name", options.display_name.size());
  if (!name) return name;
  return check_text("description", options.description.size());
}

Result<void> check_spec(const FileSpec& spec) {
  Result<void> url = check_text("url", spec.url.size());
  if (!url) return url;
  Result<void> target = check_text("target", spec.target.string().size());
  if (!target) return target;
  if (!plausible(spec))
    return refusal(Errc::invalid_argument, "the journal keeps neither empty or broken URLs nor relative targets");
  if (spec.size && *spec.size == size_unknown)
    return refusal(Errc::invalid_argument, "size: leave it out where it is unknown");
  if (spec.ranges.size() > ranges_per_spec_max) {
    return refusal(Errc::too_many_ranges, public_url(spec.url) + ": " + std::to_string(spec.ranges.size()) +
                                              " ranges; the journal keeps " + std::to_string(ranges_per_spec_max));
  }
  for (ByteRange range : spec.ranges) {
    if (range.empty() || range.offset == ByteRange::to_end) {
      return refusal(Errc::invalid_range, public_url(spec.url) + ": a range has no bytes");
    }
  }
  return {};
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
