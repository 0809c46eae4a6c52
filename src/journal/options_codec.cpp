#include "options_codec.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "http_options_codec.hpp"

namespace bgxfer::inline v0::detail {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

namespace {

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
  tag = 12,
  http = 13,
  // From here on a field is left out where it says what an old journal means, which does not have it.
  maximum_download_time = 14,
  dynamic_content = 15,
  high_performance = 16,
  size_max = 17,
  on_demand = 18,
  transfer_policy = 19,
  notify_events = 20,
  notify_interval_min = 21,
  notify_handler = 22,
  notify_program = 23,
  notify_argument = 24,
  file_acl_flags = 25,
  identity_usage = 26,
  connections_per_file = 27,
  peer_caching = 28,
};

/// What a journal means that does not say it.
constexpr Notify notify_events_unsaid = Notify::transferred | Notify::error;
constexpr std::chrono::milliseconds notify_interval_unsaid{500};
constexpr std::uint32_t connections_unsaid = 1;

/// Tags inside a file of a job.
enum class SpecTag : std::uint8_t {
  url = 1,
  target = 2,
  ranges = 3,
  sha256 = 4,
  size = 5,
  mirror = 6,
  piece_bytes = 7,
  piece_hashes = 8,
  places = 9,
};

/// What every file of a job must be, whoever wrote it down.
bool plausible(const FileSpec& spec) {
  const auto is_url = [](const std::string& url) { return !url.empty() && !has_control(url); };
  const PieceHashes& pieces = spec.pieces;
  const bool has_pieces = !pieces.sha256.empty();
  if (!has_pieces && pieces.bytes != 0) return false;
  if (has_pieces && (!spec.size || pieces.bytes == 0 || pieces.sha256.size() - 1 != (*spec.size - 1) / pieces.bytes))
    return false;
  if (!spec.placed_at.empty() && spec.placed_at.size() != spec.ranges.size()) return false;
  return is_url(spec.url) && std::all_of(spec.mirrors.begin(), spec.mirrors.end(), is_url) &&
         spec.target.is_absolute() &&
         spec.target.native().find(std::filesystem::path::value_type{}) == std::filesystem::path::string_type::npos;
}

Error refusal(Errc code, std::string detail) { return Error(code, ErrorContext::queue, std::move(detail)); }

}  // namespace

Result<void> check_text(std::string_view name, std::size_t bytes) {
  if (bytes <= text_bytes_max) return {};
  return refusal(Errc::string_too_long, std::string(name) + " has " + std::to_string(bytes) +
                                            " bytes; the journal keeps " + std::to_string(text_bytes_max));
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
  fields.text(OptionTag::tag, options.tag);
  Bytes http;
  put_http_options(http, options.http);
  if (!http.empty()) fields.raw(OptionTag::http, http);
  if (options.maximum_download_time) {
    fields.number_or_zero(OptionTag::maximum_download_time, count_of(*options.maximum_download_time));
  }
  fields.flag(OptionTag::dynamic_content, options.download.dynamic_content);
  fields.flag(OptionTag::high_performance, options.download.high_performance);
  if (options.download.size_max) fields.number_or_zero(OptionTag::size_max, *options.download.size_max);
  fields.flag(OptionTag::on_demand, options.download.on_demand);
  if (options.transfer_policy) {
    fields.number_or_zero(OptionTag::transfer_policy, static_cast<std::uint32_t>(*options.transfer_policy));
  }
  const NotifyOptions& notify = options.notify;
  if (notify.events != notify_events_unsaid) {
    fields.number_or_zero(OptionTag::notify_events, static_cast<std::uint32_t>(notify.events));
  }
  if (notify.interval_min != notify_interval_unsaid) {
    fields.number_or_zero(OptionTag::notify_interval_min, count_of(notify.interval_min));
  }
  fields.text(OptionTag::notify_handler, notify.handler);
  fields.text(OptionTag::notify_program, notify.command.program);
  // Arguments may be empty, and are kept all the same.
  for (const std::string& argument : notify.command.arguments) {
    fields.raw(OptionTag::notify_argument, std::as_bytes(std::span(argument)));
  }
  fields.number(OptionTag::file_acl_flags, static_cast<std::uint64_t>(options.file_acl_flags));
  fields.number(OptionTag::identity_usage, static_cast<std::uint64_t>(options.identity.usage));
  if (options.connections_per_file != connections_unsaid) {
    fields.number_or_zero(OptionTag::connections_per_file, options.connections_per_file);
  }
  fields.number(OptionTag::peer_caching, static_cast<std::uint64_t>(options.peer_caching));
}

JobOptions read_options(View bytes, Sense& sense) {
  using std::chrono::milliseconds;
  JobOptions options;
  // A field that is absent was zero when it was written, whatever the default is today.
  options.priority = Priority::foreground;
  options.parallel_files = 0;
  options.retry_delay_min = options.retry_delay_max = options.no_progress_timeout = milliseconds{0};
  options.http.redirects.hops_max = 0;
  options.notify.events = notify_events_unsaid;
  options.notify.interval_min = notify_interval_unsaid;
  options.connections_per_file = connections_unsaid;

  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(OptionTag::peer_caching),
                     static_cast<std::uint8_t>(OptionTag::notify_argument));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<OptionTag>(field.tag)) {
      case OptionTag::display_name: options.display_name = values.text(field.value); break;
      case OptionTag::description: options.description = values.text(field.value); break;
      case OptionTag::type: options.type = values.enumerator(field.value, JobType::download); break;
      case OptionTag::priority: options.priority = values.enumerator(field.value, Priority::low); break;
      case OptionTag::parallel_files: options.parallel_files = values.number32(field.value); break;
      case OptionTag::retry_delay_min: options.retry_delay_min = values.milliseconds(field.value); break;
      case OptionTag::retry_delay_max: options.retry_delay_max = values.milliseconds(field.value); break;
      case OptionTag::no_progress_timeout: options.no_progress_timeout = values.milliseconds(field.value); break;
      case OptionTag::bytes_per_second_max: options.bytes_per_second_max = values.number(field.value); break;
      case OptionTag::redirect_hops_max: options.http.redirects.hops_max = values.number32(field.value); break;
      case OptionTag::allow_https_to_http: options.http.redirects.allow_https_to_http = values.flag(field.value); break;
      case OptionTag::tag: options.tag = values.text(field.value); break;
      case OptionTag::http: read_http_options(field.value, sense, options.http); break;
      case OptionTag::maximum_download_time: options.maximum_download_time = values.milliseconds(field.value); break;
      case OptionTag::dynamic_content: options.download.dynamic_content = values.flag(field.value); break;
      case OptionTag::high_performance: options.download.high_performance = values.flag(field.value); break;
      case OptionTag::size_max: options.download.size_max = values.number(field.value); break;
      case OptionTag::on_demand: options.download.on_demand = values.flag(field.value); break;
      case OptionTag::transfer_policy:
        options.transfer_policy = static_cast<TransferPolicy>(values.number32(field.value));
        break;
      case OptionTag::notify_events: options.notify.events = values.enumerator(field.value, all_notifications); break;
      case OptionTag::notify_interval_min: options.notify.interval_min = values.milliseconds(field.value); break;
      case OptionTag::notify_handler: options.notify.handler = values.text(field.value); break;
      case OptionTag::notify_program: options.notify.command.program = values.text(field.value); break;
      case OptionTag::notify_argument:
        options.notify.command.arguments.push_back(values.text_or_empty(field.value));
        break;
      case OptionTag::file_acl_flags: options.file_acl_flags = values.enumerator(field.value, FileAclFlags::all); break;
      case OptionTag::identity_usage:
        options.identity.usage = values.enumerator(field.value, IdentityUsage::all);
        break;
      case OptionTag::connections_per_file: options.connections_per_file = values.number32(field.value); break;
      case OptionTag::peer_caching: options.peer_caching = values.enumerator(field.value, all_peer_caching); break;
    }
  }
  return options;
}

Result<void> check_options(const JobOptions& options) {
  Result<void> name = check_text("display_name", options.display_name.size());
  if (!name) return name;
  Result<void> description = check_text("description", options.description.size());
  if (!description) return description;
  Result<void> tag = check_text("tag", options.tag.size());
  if (!tag) return tag;
  Result<void> http = check_http_options(options.http);
  if (!http) return http;
  Result<void> handler = check_text("notify.handler", options.notify.handler.size());
  if (!handler) return handler;
  std::size_t command = options.notify.command.program.size();
  for (const std::string& argument : options.notify.command.arguments) command += argument.size() + 1;
  return check_text("notify.command", command);
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
  for (const std::string& mirror : spec.mirrors) fields.text(SpecTag::mirror, mirror);
  if (!spec.pieces.sha256.empty()) {
    fields.number(SpecTag::piece_bytes, spec.pieces.bytes);
    fields.raw(SpecTag::piece_hashes, std::as_bytes(std::span(spec.pieces.sha256)));
  }
  if (spec.placed_at.empty()) return;
  Bytes places;
  for (std::size_t i = 0; i < spec.placed_at.size(); ++i) {
    put_range(places, ByteRange{spec.placed_at[i], spec.ranges[i].length});
  }
  fields.raw(SpecTag::places, places);
}

/// Whole digests, one after the other.
std::vector<Sha256> read_hashes(View bytes, Sense& sense) {
  constexpr std::size_t hash_bytes = sizeof(Sha256::bytes);
  std::vector<Sha256> hashes;
  if (bytes.empty() || bytes.size() % hash_bytes != 0) {
    if (sense == Sense::good) sense = Sense::malformed;
    return hashes;
  }
  hashes.resize(bytes.size() / hash_bytes);
  std::memcpy(hashes.data(), bytes.data(), bytes.size());
  return hashes;
}

FileSpec read_spec(View bytes, Sense& sense) {
  FileSpec spec;
  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(SpecTag::places),
                     static_cast<std::uint8_t>(SpecTag::mirror));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<SpecTag>(field.tag)) {
      case SpecTag::url: spec.url = values.text(field.value); break;
      case SpecTag::target: spec.target = values.text(field.value); break;
      case SpecTag::ranges: spec.ranges = values.ranges(field.value, ranges_per_spec_max, true); break;
      case SpecTag::sha256: spec.sha256 = Sha256{values.array<std::array<std::byte, 32>>(field.value)}; break;
      case SpecTag::size: spec.size = values.size(field.value); break;
      case SpecTag::mirror: spec.mirrors.push_back(values.text(field.value)); break;
      case SpecTag::piece_bytes: spec.pieces.bytes = values.number(field.value); break;
      case SpecTag::piece_hashes: spec.pieces.sha256 = read_hashes(field.value, sense); break;
      case SpecTag::places:
        for (ByteRange place : values.ranges(field.value, ranges_per_spec_max, true))
          spec.placed_at.push_back(place.offset);
        break;
    }
  }
  if (sense == Sense::good && !plausible(spec)) fields.fail(Sense::malformed);
  return spec;
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
  for (const std::string& mirror : spec.mirrors) {
    Result<void> fits = check_text("a mirror", mirror.size());
    if (!fits) return fits;
  }
  if (spec.ranges.size() > ranges_per_spec_max) {
    return refusal(Errc::too_many_ranges, public_url(spec.url) + ": " + std::to_string(spec.ranges.size()) +
                                              " ranges; the journal keeps " + std::to_string(ranges_per_spec_max));
  }
  for (ByteRange range : spec.ranges) {
    if (range.empty() || range.offset == ByteRange::to_end) {
      return refusal(Errc::invalid_range, public_url(spec.url) + ": a range has no bytes");
    }
  }
  for (std::uint64_t place : spec.placed_at) {
    if (place == ByteRange::to_end)
      return refusal(Errc::invalid_range, public_url(spec.url) + ": a range is placed past the end");
  }
  if (spec.mirrors.empty() && spec.pieces.sha256.empty() && spec.placed_at.empty()) return {};
  Bytes bytes;
  put_spec(bytes, spec);
  if (bytes.size() > spec_bytes_max) {
    return refusal(Errc::invalid_argument, public_url(spec.url) + ": ranges, mirrors and pieces take " +
                                               std::to_string(bytes.size()) + " bytes; the journal keeps " +
                                               std::to_string(spec_bytes_max));
  }
  return {};
}

}  // namespace bgxfer::inline v0::detail
