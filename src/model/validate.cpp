#include "validate.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "../base/ascii.hpp"
#include "../base/duration.hpp"

namespace bgxfer::inline v0::detail {

namespace {

constexpr std::uint32_t parallel_files_max = 64;
constexpr std::uint32_t connections_per_file_max = 32;
constexpr std::uint64_t piece_bytes_min = 16 * 1024;
constexpr std::uint64_t piece_bytes_max = 1024 * 1024 * 1024;
constexpr std::size_t notify_handler_bytes_max = 256;
constexpr std::size_t owner_bytes_max = 256;
constexpr std::chrono::hours inactivity_timeout_max{999 * 24};
constexpr std::size_t chunk_bytes_min = 4 * 1024;
constexpr std::size_t chunk_bytes_max = 16 * 1024 * 1024;

// Spec parts 3.5 and 3.6.
constexpr std::size_t user_bytes_max = 300;
constexpr std::size_t password_bytes_max = 65'536;
constexpr std::size_t proxy_list_bytes_max = 32'000;
constexpr std::size_t method_bytes_max = 64;
constexpr std::size_t pins_max = 64;

Error refuse(Errc code, std::string detail) { return Error(code, ErrorContext::queue, std::move(detail)); }

Result<void> check_length(std::string_view name, std::size_t bytes, std::size_t bytes_max) {
  if (bytes <= bytes_max) return {};
  return refuse(Errc::string_too_long, std::string(name) + " has " + std::to_string(bytes) + " bytes; at most " +
                                           std::to_string(bytes_max) + " are allowed");
}

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Headers that belong to the transport: a caller who sets them could corrupt framing or resume.
constexpr std::string_view reserved_headers[] = {"Host",    "Content-Length",     "Transfer-Encoding", "Connection",
                                                 "Range",   "If-Range",           "Accept-Encoding",   "Expect",
                                                 "Upgrade", "Proxy-Authorization"};

Result<void> validate_headers(const std::vector<Header>& headers, const Limits& limits) {
  std::size_t bytes = 0;
  for (const Header& header : headers) {
    bytes += header.name.size() + header.value.size() + 4;
    if (header.name.empty() || !std::all_of(header.name.begin(), header.name.end(), is_token_char)) {
      return refuse(Errc::invalid_argument, "a header name is not a token (RFC 9110 section 5.6.2)");
    }
    for (std::string_view reserved : reserved_headers) {
      if (equal_ignoring_case(header.name, reserved)) {
        return refuse(Errc::invalid_argument, "the header " + header.name + " is set by the transport; leave it out");
      }
    }
    if (std::any_of(header.value.begin(), header.value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
      return refuse(Errc::invalid_argument, "the value of header " + header.name + " has control characters");
    }
  }
  return check_length("http.headers", bytes, limits.header_bytes_max);
}

Result<void> validate_credentials(const std::vector<Credentials>& credentials) {
  for (auto known = credentials.begin(); known != credentials.end(); ++known) {
    const bool bearer = known->scheme == CredentialScheme::bearer;
    if (known->target != CredentialTarget::server && known->target != CredentialTarget::proxy) {
      return refuse(Errc::invalid_argument, "http.credentials: the target is server or proxy");
    }
    const bool ticket = known->scheme == CredentialScheme::negotiate || known->scheme == CredentialScheme::ntlm;
    if (known->scheme != CredentialScheme::basic && known->scheme != CredentialScheme::digest && !bearer && !ticket) {
      return refuse(Errc::invalid_argument,
                    "http.credentials: Passport is not spoken; use Basic, Digest, Negotiate, NTLM or Bearer");
    }
    if (ticket && known->user.empty() && !known->password.empty()) {
      return refuse(Errc::invalid_argument, "http.credentials: a password without a user name");
    }
    if (bearer && (known->target == CredentialTarget::proxy || known->password.empty())) {
      return refuse(Errc::invalid_argument, "http.credentials: a token (Bearer) is for servers, and not empty");
    }
    if (!bearer && !ticket && known->user.empty()) {
      return refuse(Errc::invalid_argument, "http.credentials: the user name is empty");
    }
    Result<void> user = check_length("http.credentials: a user name", known->user.size(), user_bytes_max);
    if (!user) return user;
    Result<void> password = check_length("http.credentials: a password", known->password.size(), password_bytes_max);
    if (!password) return password;
    if (std::any_of(known->user.begin(), known->user.end(), is_control) ||
        std::any_of(known->password.begin(), known->password.end(), is_control)) {
      return refuse(Errc::invalid_argument, "http.credentials: control characters in a user name or password");
    }
    if (known->scheme == CredentialScheme::basic && known->user.find(':') != std::string::npos) {
      return refuse(Errc::invalid_argument, "http.credentials: for Basic a user name has no colon (RFC 7617)");
    }
    const bool again = std::any_of(credentials.begin(), known, [&known](const Credentials& other) {
      return other.target == known->target && other.scheme == known->scheme;
    });
    if (again) return refuse(Errc::invalid_argument, "http.credentials: two for the same target and scheme");
  }
  return {};
}

Result<void> validate_command(const NotifyCommand& command, const Limits& limits) {
  if (command.program.empty()) {
    if (command.arguments.empty()) return {};
    return refuse(Errc::invalid_argument, "notify.command: arguments without a program");
  }
  Result<void> program =
      check_length("notify.command.program", command.program.size(), limits.command_program_bytes_max);
  if (!program) return program;
  std::size_t bytes = 0;
  bool has_zero = command.program.find('\0') != std::string::npos;
  for (const std::string& argument : command.arguments) {
    bytes += argument.size() + 1;
    has_zero = has_zero || argument.find('\0') != std::string::npos;
  }
  if (has_zero) return refuse(Errc::invalid_argument, "notify.command: a zero byte");
  if (!std::filesystem::path(command.program).is_absolute()) {
    return refuse(Errc::invalid_argument,
                  "notify.command.program: " + command.program + " is not an absolute path; no search path is used");
  }
  return check_length("notify.command.arguments", bytes, limits.command_arguments_bytes_max);
}

Result<void> validate_notify(const NotifyOptions& notify, const Limits& limits) {
  const auto bits = static_cast<std::uint32_t>(notify.events);
  if ((bits & ~static_cast<std::uint32_t>(all_notifications)) != 0) {
    return refuse(Errc::invalid_argument, "notify.events: unknown bits " + std::to_string(bits));
  }
  if (notify.interval_min < std::chrono::milliseconds{0}) {
    return refuse(Errc::invalid_argument, "notify.interval_min is negative");
  }
  Result<void> handler = check_length("notify.handler", notify.handler.size(), notify_handler_bytes_max);
  if (!handler) return handler;
  return validate_command(notify.command, limits);
}

Result<void> validate_download(const DownloadOptions& download) {
  if (download.size_max == std::uint64_t{0}) {
    return refuse(Errc::invalid_argument, "download.size_max: 0 bytes; leave it out for no limit");
  }
  if (download.dynamic_content && download.on_demand) {
    return refuse(Errc::unsupported_configuration, "download: dynamic_content has no ranges, which on_demand is about");
  }
  return {};
}

Result<void> validate_proxy(const ProxyOptions& proxy) {
  if (proxy.usage > ProxyUsage::autodetect)
    return refuse(Errc::invalid_argument, "http.proxy.usage: not one of the four");
  const bool listed = proxy.usage == ProxyUsage::listed;
  if (listed && proxy.list.empty())
    return refuse(Errc::invalid_argument, "http.proxy.list: empty, but the usage is listed");
  if (!listed && (!proxy.list.empty() || !proxy.bypass.empty())) {
    return refuse(Errc::invalid_argument, "http.proxy: lists are only for the usage listed");
  }
  Result<void> list = check_length("http.proxy.list", proxy.list.size(), proxy_list_bytes_max);
  if (!list) return list;
  if (proxy.list.find('@') != std::string::npos) {
    return refuse(Errc::invalid_argument, "http.proxy.list: user names and passwords go into http.credentials");
  }
  return check_length("http.proxy.bypass", proxy.bypass.size(), proxy_list_bytes_max);
}

Result<void> validate_http(const HttpOptions& http, const Limits& limits) {
  const std::string& method = http.method;
  if (method.empty() || method.size() > method_bytes_max || method == "CONNECT" ||
      !std::all_of(method.begin(), method.end(), is_token_char)) {
    return refuse(Errc::invalid_argument, "http.method: a method of HTTP, and not CONNECT");
  }
  if (http.redirects.mode > RedirectMode::refuse) {
    return refuse(Errc::invalid_argument, "http.redirects.mode: not one of the three");
  }
  Result<void> credentials = validate_credentials(http.credentials);
  if (!credentials) return credentials;
  if (http.stored_credentials && *http.stored_credentials != CredentialTarget::proxy) {
    return refuse(Errc::stored_credentials_unsupported, "http.stored_credentials");
  }
  Result<void> proxy = validate_proxy(http.proxy);
  if (!proxy) return proxy;
  if (http.tls.pins.size() > pins_max) {
    return refuse(Errc::invalid_argument, "http.tls.pins: at most " + std::to_string(pins_max));
  }
  for (const std::filesystem::path* path :
       {&http.tls.revocation_lists, &http.tls.extra_authorities, &http.tls.client.file, &http.tls.client.key_file}) {
    if (path->native().find('\0') != std::string::npos)
      return refuse(Errc::invalid_argument, "http.tls: a zero byte in a path");
  }
  return validate_headers(http.headers, limits);
}

Result<void> validate_policy(const std::optional<TransferPolicy>& policy) {
  constexpr auto known = static_cast<std::uint32_t>(TransferPolicy::always);
  if (!policy || (static_cast<std::uint32_t>(*policy) & ~known) == 0) return {};
  return refuse(Errc::invalid_argument, "transfer_policy: unknown bits");
}

/// Spec part 4.1: how long a part of a URL's path may be.
Result<void> check_segments(std::string_view url, const Limits& limits) {
  std::string_view path = url.substr(0, std::min(url.find('?'), url.find('#')));
  const std::size_t scheme = path.find("://");
  if (scheme != std::string_view::npos) path.remove_prefix(scheme + 3);
  std::size_t longest = 0;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    longest = std::max(longest, end);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return check_length("a part of the URL's path", longest, limits.url_segment_bytes_max);
}

Result<void> validate_ranges(const FileSpec& file, const Limits& limits) {
  if (file.ranges.empty()) return {};
  const std::string url = public_url(file.url);
  if (file.ranges.size() > limits.ranges_per_file_max) {
    return refuse(Errc::too_many_ranges, url + ": " + std::to_string(file.ranges.size()) + " ranges, at most " +
                                             std::to_string(limits.ranges_per_file_max));
  }
  for (ByteRange range : file.ranges) {
    if (range.length == 0 || range.offset == ByteRange::to_end) {
      return refuse(Errc::invalid_range,
                    url + ": the range at offset " + std::to_string(range.offset) + " has no bytes");
    }
  }
  std::vector<ByteRange> sorted = file.ranges;
  std::sort(sorted.begin(), sorted.end(), [](ByteRange a, ByteRange b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1].end() > sorted[i].offset) {
      return refuse(Errc::overlapping_ranges, url + ": the ranges at offsets " + std::to_string(sorted[i - 1].offset) +
                                                  " and " + std::to_string(sorted[i].offset) + " share bytes");
    }
  }
  return {};
}

/// Where ranges go, if not one behind the other: each somewhere, and none over another.
Result<void> validate_places(const FileSpec& file) {
  if (file.placed_at.empty()) return {};
  const std::string url = public_url(file.url);
  if (file.placed_at.size() != file.ranges.size()) {
    return refuse(Errc::invalid_argument, url + ": placed_at has " + std::to_string(file.placed_at.size()) +
                                              " places for " + std::to_string(file.ranges.size()) +
                                              " ranges; give one for each, or none");
  }
  if (!file.pieces.sha256.empty()) {
    return refuse(Errc::unsupported_configuration, url + ": pieces are of files without holes; leave placed_at out");
  }
  std::vector<ByteRange> places;
  for (std::size_t i = 0; i < file.ranges.size(); ++i) {
    const ByteRange place{file.placed_at[i], file.ranges[i].length};
    const bool closed = place.length != ByteRange::to_end;
    if (place.offset == ByteRange::to_end || (closed && place.end() == ByteRange::to_end)) {
      return refuse(Errc::invalid_range, url + ": the range placed at " + std::to_string(place.offset) + " has no end");
    }
    places.push_back(place);
  }
  std::sort(places.begin(), places.end(), [](ByteRange a, ByteRange b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i - 1].end() > places[i].offset) {
      return refuse(Errc::overlapping_ranges, url + ": the ranges placed at " + std::to_string(places[i - 1].offset) +
                                                  " and " + std::to_string(places[i].offset) +
                                                  " share bytes of the file");
    }
  }
  return {};
}

Result<void> validate_pieces(const FileSpec& file, const Limits& limits) {
  const PieceHashes& pieces = file.pieces;
  if (pieces.sha256.empty() && pieces.bytes == 0) return {};
  const std::string url = public_url(file.url);
  if (pieces.sha256.empty()) {
    return refuse(Errc::invalid_argument, url + ": pieces without hashes; give both or neither");
  }
  if (pieces.bytes < piece_bytes_min || pieces.bytes > piece_bytes_max) {
    return refuse(Errc::invalid_argument, url + ": pieces.bytes must be " + std::to_string(piece_bytes_min) + " to " +
                                              std::to_string(piece_bytes_max));
  }
  if (!file.size || *file.size == 0) {
    return refuse(Errc::invalid_argument, url + ": pieces of a file of unknown size; give FileSpec::size as well");
  }
  const std::uint64_t wanted = (*file.size - 1) / pieces.bytes + 1;
  if (pieces.sha256.size() != wanted) {
    return refuse(Errc::invalid_argument, url + ": " + std::to_string(pieces.sha256.size()) +
                                              " hashes of pieces, but " + std::to_string(*file.size) + " bytes have " +
                                              std::to_string(wanted));
  }
  if (wanted > limits.pieces_per_file_max) {
    return refuse(Errc::invalid_argument, url + ": " + std::to_string(wanted) + " pieces, at most " +
                                              std::to_string(limits.pieces_per_file_max) + "; make them larger");
  }
  return {};
}

Result<void> validate_mirrors(const FileSpec& file, const Limits& limits) {
  if (file.mirrors.size() > limits.mirrors_per_file_max) {
    return refuse(Errc::invalid_argument, public_url(file.url) + ": " + std::to_string(file.mirrors.size()) +
                                              " mirrors, at most " + std::to_string(limits.mirrors_per_file_max));
  }
  for (const std::string& mirror : file.mirrors) {
    Result<void> valid = validate_url(mirror, limits);
    if (!valid) return refuse(Errc::invalid_url, public_url(file.url) + ": a mirror: " + valid.error().detail());
  }
  return {};
}

}  // namespace

Result<void> validate_url(const std::string& url, const Limits& limits) {
  if (url.empty()) return refuse(Errc::invalid_url, "the URL is empty");
  Result<void> length = check_length("url", url.size(), limits.url_bytes_max);
  if (!length) return length;
  // To its end, which is faster than to look for the first one.
  unsigned controls = 0;
  for (char c : url) controls |= is_control(c) ? 1U : 0U;
  if (controls != 0) return refuse(Errc::invalid_url, "the URL has control characters");
  return check_segments(url, limits);
}

Result<void> validate_options(const JobOptions& options, const Limits& limits) {
  using std::chrono::milliseconds;
  Result<void> name = check_length("display_name", options.display_name.size(), limits.display_name_bytes_max);
  if (!name) return name;
  Result<void> text = check_length("description", options.description.size(), limits.description_bytes_max);
  if (!text) return text;
  Result<void> tag = check_length("tag", options.tag.size(), limits.description_bytes_max);
  if (!tag) return tag;
  if (options.type != JobType::download) return refuse(Errc::invalid_argument, "type: only download jobs exist");
  if (options.priority > Priority::low) return refuse(Errc::invalid_argument, "priority: not one of the four");
  if (options.parallel_files < 1 || options.parallel_files > parallel_files_max) {
    return refuse(Errc::invalid_argument, "parallel_files: must be 1 to " + std::to_string(parallel_files_max));
  }
  if (options.connections_per_file < 1 || options.connections_per_file > connections_per_file_max) {
    return refuse(Errc::invalid_argument,
                  "connections_per_file: must be 1 to " + std::to_string(connections_per_file_max));
  }
  const milliseconds download_time = options.maximum_download_time.value_or(milliseconds{0});
  for (milliseconds time :
       {options.retry_delay_min, options.retry_delay_max, options.no_progress_timeout, download_time}) {
    if (time < milliseconds{0}) return refuse(Errc::invalid_argument, "a retry delay or timeout is negative");
  }
  Result<void> download = validate_download(options.download);
  if (!download) return download;
  Result<void> policy = validate_policy(options.transfer_policy);
  if (!policy) return policy;
  Result<void> notify = validate_notify(options.notify, limits);
  if (!notify) return notify;
  if (options.file_acl_flags > FileAclFlags::all) {
    return refuse(Errc::invalid_argument, "file_acl_flags: has bits that mean nothing");
  }
  if (options.identity.usage > IdentityUsage::all) {
    return refuse(Errc::invalid_argument, "identity.usage: has bits that mean nothing");
  }
  if (options.peer_caching > all_peer_caching) {
    return refuse(Errc::invalid_argument, "peer_caching: has bits that mean nothing");
  }
  if (options.identity.helper) {
    Result<void> credentials = validate_credentials(options.identity.helper->credentials);
    if (!credentials) return credentials;
  }
  return validate_http(options.http, limits);
}

Result<void> validate_file(const FileSpec& file, const Limits& limits) {
  Result<void> url = validate_url(file.url, limits);
  if (!url) return url;
  Result<void> mirrors = validate_mirrors(file, limits);
  if (!mirrors) return mirrors;
  Result<void> pieces = validate_pieces(file, limits);
  if (!pieces) return pieces;
  const std::string& target = file.target.native();
  Result<void> path = check_length("target", target.size(), limits.target_bytes_max);
  if (!path) return path;
  if (target.empty()) return refuse(Errc::relative_target, public_url(file.url) + ": the target is empty");
  if (target.find('\0') != std::string::npos) return refuse(Errc::unsafe_target, "the target has a zero byte");
  if (!file.target.is_absolute()) {
    return refuse(Errc::relative_target, target + "; use std::filesystem::absolute to make it one");
  }
  Result<void> ranges = validate_ranges(file, limits);
  if (!ranges) return ranges;
  return validate_places(file);
}

Result<void> validate_edit(const JobOptions& before, const JobOptions& after, bool has_files, bool resumed) {
  if (!after.files.empty()) return refuse(Errc::invalid_argument, "configure: files are added with Job::add");
  if (after.type != before.type) return refuse(Errc::invalid_argument, "configure: the type is fixed");
  const DownloadOptions& was = before.download;
  const DownloadOptions& is = after.download;
  if (has_files && was.high_performance != is.high_performance) {
    return refuse(Errc::read_only_after_add, "download.high_performance");
  }
  if (!resumed) return {};
  if (was.dynamic_content != is.dynamic_content)
    return refuse(Errc::read_only_after_resume, "download.dynamic_content");
  if (was.size_max != is.size_max) return refuse(Errc::read_only_after_resume, "download.size_max");
  if (before.http.method != after.http.method) return refuse(Errc::read_only_after_resume, "http.method");
  if (was.on_demand != is.on_demand) return refuse(Errc::read_only_after_resume, "download.on_demand");
  return {};
}

Result<void> validate_together(const JobOptions& options, bool has_ranges) {
  if (!options.download.dynamic_content || !has_ranges) return {};
  return refuse(Errc::unsupported_configuration, "download.dynamic_content: not for files with ranges");
}

void cut_times(JobOptions& options) {
  for (std::chrono::milliseconds* time : {&options.retry_delay_min, &options.retry_delay_max,
                                          &options.no_progress_timeout, &options.notify.interval_min}) {
    *time = at_most_duration_max(*time);
  }
  if (options.maximum_download_time) {
    options.maximum_download_time = at_most_duration_max(*options.maximum_download_time);
  }
}

void cut_times(Limits& limits) {
  for (std::chrono::milliseconds* time :
       {&limits.time_slice, &limits.retry_delay_floor, &limits.retry_after_max, &limits.disk_space_retest,
        &limits.inactivity_timeout, &limits.maximum_download_time, &limits.checkpoint_interval}) {
    *time = at_most_duration_max(*time);
  }
}

Result<void> validate_queue(const QueueOptions& options) {
  if (!options.transport) {
    return refuse(Errc::invalid_argument,
                  "QueueOptions::transport is empty; for HTTP use bgxfer::http::make_transport()");
  }
  if (!options.storage) {
    return refuse(Errc::invalid_argument, "QueueOptions::storage is empty; for files use bgxfer::disk::make_storage()");
  }
  if (options.chunk_bytes < chunk_bytes_min || options.chunk_bytes > chunk_bytes_max) {
    return refuse(Errc::invalid_argument, "QueueOptions::chunk_bytes must be 4 KiB to 16 MiB");
  }
  return validate_limits(options);
}

Result<void> validate_limits(const QueueOptions& options) {
  const Limits& limits = options.limits;
  if (limits.foreground_jobs_max < 1 || limits.background_jobs_max < 1) {
    return refuse(Errc::invalid_argument, "Limits::foreground_jobs_max and background_jobs_max must be at least 1");
  }
  if (limits.time_slice <= std::chrono::milliseconds{0} || limits.checkpoint_interval <= std::chrono::milliseconds{0} ||
      limits.disk_space_retest <= std::chrono::milliseconds{0} || limits.claim_bytes == 0) {
    return refuse(Errc::invalid_argument,
                  "Limits: time_slice, checkpoint_interval, disk_space_retest and claim_bytes must be positive");
  }
  if (limits.slice_bytes_min == 0) return refuse(Errc::invalid_argument, "Limits::slice_bytes_min must be positive");
  if (limits.origins_known_max < 1)
    return refuse(Errc::invalid_argument, "Limits::origins_known_max must be at least 1");
  if (limits.inactivity_timeout < std::chrono::milliseconds{0} || limits.inactivity_timeout > inactivity_timeout_max) {
    return refuse(Errc::invalid_argument, "Limits::inactivity_timeout must be 0 (never) to 999 days");
  }
  if (limits.maximum_download_time < std::chrono::milliseconds{0}) {
    return refuse(Errc::invalid_argument, "Limits::maximum_download_time is negative; 0 means no limit");
  }
  if (limits.notifications_max < 1)
    return refuse(Errc::invalid_argument, "Limits::notifications_max must be at least 1");
  for (TransferPolicy policy : limits.transfer_policy) {
    Result<void> known = validate_policy(policy);
    if (!known) return known;
  }
  Result<void> owner = check_length("QueueOptions::owner", options.owner.name.size(), owner_bytes_max);
  if (!owner) return owner;
  return {};
}

}  // namespace bgxfer::inline v0::detail
