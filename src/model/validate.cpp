#include "validate.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace bgxfer::inline v0::detail {

namespace {

constexpr std::uint32_t parallel_files_max = 64;
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

/// RFC 9110 section 5.6.2.
constexpr bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Headers that belong to the transport: a caller who sets them could corrupt framing or resume.
constexpr std::string_view reserved_headers[] = {"Host",     "Content-Length",  "Transfer-Encoding", "Connection", "Range",
                                                 "If-Range", "Accept-Encoding", "Expect",            "Upgrade",    "Proxy-Authorization"};

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
    if (known->scheme != CredentialScheme::basic && known->scheme != CredentialScheme::digest && !bearer) {
      return refuse(Errc::invalid_argument,
                    "http.credentials: NTLM, Negotiate and Passport are not spoken; use Basic, Digest or Bearer");
    }
    if (bearer && (known->target == CredentialTarget::proxy || known->password.empty())) {
      return refuse(Errc::invalid_argument, "http.credentials: a token (Bearer) is for servers, and not empty");
    }
    if (!bearer && known->user.empty()) return refuse(Errc::invalid_argument, "http.credentials: the user name is empty");
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

Result<void> validate_proxy(const ProxyOptions& proxy) {
  if (proxy.usage > ProxyUsage::autodetect) return refuse(Errc::invalid_argument, "http.proxy.usage: not one of the four");
  const bool listed = proxy.usage == ProxyUsage::listed;
  if (listed && proxy.list.empty()) return refuse(Errc::invalid_argument, "http.proxy.list: empty, but the usage is listed");
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
  if (http.redirects.mode == RedirectMode::report) {
    return refuse(Errc::invalid_argument, "http.redirects.mode: report is not there yet; use follow or refuse");
  }
  Result<void> credentials = validate_credentials(http.credentials);
  if (!credentials) return credentials;
  Result<void> proxy = validate_proxy(http.proxy);
  if (!proxy) return proxy;
  if (http.tls.pins.size() > pins_max) {
    return refuse(Errc::invalid_argument, "http.tls.pins: at most " + std::to_string(pins_max));
  }
  for (const std::filesystem::path* path : {&http.tls.revocation_lists, &http.tls.extra_authorities,
                                            &http.tls.client.file, &http.tls.client.key_file}) {
    if (path->native().find('\0') != std::string::npos) return refuse(Errc::invalid_argument, "http.tls: a zero byte in a path");
  }
  return validate_headers(http.headers, limits);
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
      return refuse(Errc::invalid_range, url + ": the range at offset " + std::to_string(range.offset) + " has no bytes");
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

}  // namespace

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
  for (milliseconds time : {options.retry_delay_min, options.retry_delay_max, options.no_progress_timeout}) {
    if (time < milliseconds{0}) return refuse(Errc::invalid_argument, "a retry delay or timeout is negative");
  }
  return validate_http(options.http, limits);
}

Result<void> validate_file(const FileSpec& file, const Limits& limits) {
  if (file.url.empty()) return refuse(Errc::invalid_url, "the URL is empty");
  Result<void> length = check_length("url", file.url.size(), limits.url_bytes_max);
  if (!length) return length;
  if (std::any_of(file.url.begin(), file.url.end(), is_control)) {
    return refuse(Errc::invalid_url, "the URL has control characters");
  }
  const std::string& target = file.target.native();
  if (target.empty()) return refuse(Errc::relative_target, public_url(file.url) + ": the target is empty");
  if (target.find('\0') != std::string::npos) return refuse(Errc::unsafe_target, "the target has a zero byte");
  if (!file.target.is_absolute()) {
    return refuse(Errc::relative_target, target + "; use std::filesystem::absolute to make it one");
  }
  return validate_ranges(file, limits);
}

Result<void> validate_queue(const QueueOptions& options) {
  if (!options.transport) {
    return refuse(Errc::invalid_argument, "QueueOptions::transport is empty; for HTTP use bgxfer::http::make_transport()");
  }
  if (!options.storage) {
    return refuse(Errc::invalid_argument, "QueueOptions::storage is empty; for files use bgxfer::disk::make_storage()");
  }
  if (options.chunk_bytes < chunk_bytes_min || options.chunk_bytes > chunk_bytes_max) {
    return refuse(Errc::invalid_argument, "QueueOptions::chunk_bytes must be 4 KiB to 16 MiB");
  }
  const Limits& limits = options.limits;
  if (limits.foreground_jobs_max < 1 || limits.background_jobs_max < 1) {
    return refuse(Errc::invalid_argument, "Limits::foreground_jobs_max and background_jobs_max must be at least 1");
  }
  if (limits.time_slice <= std::chrono::milliseconds{0} || limits.checkpoint_interval <= std::chrono::milliseconds{0} ||
      limits.disk_space_retest <= std::chrono::milliseconds{0} || limits.claim_bytes == 0) {
    return refuse(Errc::invalid_argument, "Limits: time_slice, checkpoint_interval, disk_space_retest and claim_bytes must be positive");
  }
  return {};
}

}  // namespace bgxfer::inline v0::detail
