#include <bgxfer/error.hpp>

#include <algorithm>
#include <utility>

#include "cause.hpp"

namespace bgxfer::inline v0 {

namespace {

/// What is known about each `Errc`: one row, one place.
struct Row {
  Errc code;
  Failure failure;
  const char* text;
};

constexpr Row rows[] = {
    {Errc::cancelled, Failure::cancelled, "given up on request"},
    {Errc::queue_closed, Failure::cancelled, "the queue is closed"},
    {Errc::invalid_state, Failure::permanent, "not allowed in this state"},
    {Errc::not_found, Failure::permanent, "no such job or file"},
    {Errc::empty_job, Failure::permanent, "the job has no files; add one before resuming it"},
    {Errc::invalid_argument, Failure::permanent, "invalid argument"},
    {Errc::invalid_url, Failure::permanent, "not a URL that can be fetched"},
    {Errc::relative_target, Failure::permanent, "the target must be an absolute path"},
    {Errc::unsafe_target, Failure::permanent, "the target breaks the file name rules"},
    {Errc::duplicate_target, Failure::permanent, "two files of the job have the same target"},
    {Errc::overlapping_ranges, Failure::permanent, "two ranges of the file overlap"},
    {Errc::invalid_range, Failure::permanent, "the range is empty or lies outside the resource"},
    {Errc::too_many_jobs, Failure::permanent, "the queue is full (Limits::jobs_max)"},
    {Errc::too_many_files, Failure::permanent, "too many files in the job (Limits::files_per_job_max)"},
    {Errc::too_many_ranges, Failure::permanent, "too many ranges in the file (Limits::ranges_per_file_max)"},
    {Errc::string_too_long, Failure::permanent, "the text is too long"},
    {Errc::digest_unavailable, Failure::permanent, "a SHA-256 was given, but the queue has no QueueOptions::sha256"},
    {Errc::read_only_after_add, Failure::permanent, "can be set only before the first file is added"},
    {Errc::read_only_after_resume, Failure::permanent, "can be set only before the job is first resumed"},
    {Errc::read_only_while_active, Failure::permanent, "cannot be set while the job is active; suspend it first"},
    {Errc::unsupported_configuration, Failure::permanent, "these options exclude each other"},
    {Errc::command_forbidden, Failure::permanent, "the host does not allow notify commands"},
    {Errc::too_many_jobs_of_owner, Failure::permanent, "the owner has as many jobs as are allowed"},
    {Errc::file_not_transferred, Failure::permanent, "the file has not arrived yet"},
    {Errc::random_access_unsupported, Failure::permanent, "parts of this file cannot be had in any order"},
    {Errc::stored_credentials_unsupported, Failure::permanent, "stored credentials are for proxies only"},
    {Errc::network_disconnected, Failure::transient, "there is no network"},
    {Errc::connection_closed, Failure::transient, "the server closed the connection"},
    {Errc::connect_timeout, Failure::transient, "no connection in time"},
    {Errc::response_timeout, Failure::transient, "no answer in time"},
    {Errc::stalled, Failure::transient, "no data in time"},
    {Errc::body_truncated, Failure::transient, "the body ended early"},
    {Errc::invalid_response, Failure::transient, "the server's answer is not valid HTTP"},
    {Errc::response_too_large, Failure::permanent, "the server's answer exceeds a limit"},
    {Errc::encoded_body, Failure::permanent, "the server encoded the body although identity was asked for"},
    {Errc::unproven_end, Failure::permanent,
     "the body has no provable end; give the file's size or SHA-256, or use a server that sends Content-Length"},
    {Errc::range_ignored, Failure::transient, "the server sent other bytes than those asked for"},
    {Errc::resource_changed, Failure::transient, "the resource changed on the server"},
    {Errc::too_many_redirects, Failure::permanent, "too many redirects"},
    {Errc::redirect_refused, Failure::permanent, "the redirect is not allowed"},
    {Errc::certificate_untrusted, Failure::permanent, "the server's certificate is not trusted"},
    {Errc::certificate_expired, Failure::permanent, "the server's certificate is expired or not yet valid"},
    {Errc::certificate_wrong_host, Failure::permanent, "the server's certificate is for another host"},
    {Errc::certificate_revoked, Failure::permanent, "the server's certificate is revoked"},
    {Errc::certificate_wrong_usage, Failure::permanent, "the server's certificate is not for servers"},
    {Errc::tls_failed, Failure::transient, "TLS failed"},
    {Errc::no_progress, Failure::permanent, "no progress for too long"},
    {Errc::blocked_address, Failure::permanent, "the host's address may not be reached from here"},
    {Errc::ranges_unsupported, Failure::permanent, "the server does not send parts of the resource"},
    {Errc::certificate_pin_mismatch, Failure::permanent, "the server's key is none of those that were pinned"},
    {Errc::client_certificate_needed, Failure::permanent, "the server wants a client certificate"},
    {Errc::client_certificate_unusable, Failure::permanent, "the client certificate cannot be used"},
    {Errc::client_certificate_refused, Failure::permanent, "the server refuses the client certificate"},
    {Errc::revocation_unknown, Failure::permanent, "it cannot be known whether the server's certificate is revoked"},
    {Errc::invalid_proxy, Failure::permanent, "the proxy settings are not understood"},
    {Errc::proxy_failed, Failure::transient, "the proxy did not make the connection"},
    {Errc::wrong_size, Failure::permanent, "the resource does not have the size that was given for the file"},
    {Errc::partial_file_changed, Failure::transient, "the temporary file is not the one that was written"},
    {Errc::checksum_mismatch, Failure::permanent, "the file's SHA-256 is not the expected one"},
    {Errc::validation_failed, Failure::permanent, "the host found the file to be wrong; resume to fetch it again"},
    {Errc::commit_refused, Failure::permanent,
     "the host's guard does not let the file have its name; complete the job again, or cancel it"},
    {Errc::target_exists, Failure::permanent, "the target exists"},
    {Errc::journal_locked, Failure::permanent, "the journal is in use by another process"},
    {Errc::journal_foreign, Failure::permanent, "the file is not a bgxfer journal"},
    {Errc::journal_newer, Failure::permanent, "the journal was written by a newer version"},
    {Errc::journal_damaged, Failure::permanent, "the journal is damaged"},
    {Errc::journal_failed, Failure::transient, "the journal cannot be written"},
    {Errc::attributes_denied, Failure::transient,
     "permission denied: the process may not give the file its owner, group or permissions; run it with the privilege, "
     "or ask for less with JobOptions::file_acl_flags"},
    {Errc::identity_needed, Failure::permanent,
     "the job's helper identity is not stored; give it again with configure(), then resume"},
    {Errc::identity_refused, Failure::permanent,
     "the process may not open files as the job's helper identity; it needs CAP_SETUID and CAP_SETGID"},
    {Errc::headers_needed, Failure::permanent,
     "the job's request headers are not stored; give them again with configure(), then resume"},
    {Errc::validator_needed, Failure::permanent,
     "the job's certificate validator is not stored; give it again with configure(), then resume"},
    {Errc::download_time_exceeded, Failure::permanent, "the job has taken longer than it may"},
    {Errc::download_too_large, Failure::permanent, "the job is larger than it may be"},
    {Errc::blocked_by_cost, Failure::transient, "the job may not run on a network of this cost"},
};

const Row* find_row(int value) noexcept {
  const auto* row = std::find_if(std::begin(rows), std::end(rows),
                                 [value](const Row& candidate) { return static_cast<int>(candidate.code) == value; });
  return row == std::end(rows) ? nullptr : row;
}

class ErrcCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "bgxfer"; }
  std::string message(int value) const override {
    const Row* row = find_row(value);
    return row ? row->text : "unknown error";
  }
};

class HttpCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "http"; }
  std::string message(int status) const override { return "HTTP status " + std::to_string(status); }
};

/// Spec part 7.3, with the improvements of bad-servers.md part 3: statuses that ask for patience are transient.
Failure judge_status(int status) noexcept {
  switch (status) {
    // clang-format off
    case 408: case 409: case 421: case 425: case 429: case 420: return Failure::transient;
    case 501: case 505: return Failure::permanent;
    // clang-format on
    default: return status >= 500 && status <= 599 ? Failure::transient : Failure::permanent;
  }
}

/// Codes of the operating system and of Asio: whatever a retry could cure is transient.
Failure judge_system(const std::error_code& code) noexcept {
  const std::error_condition cause = detail::cause_of(code);
  if (cause == std::errc::operation_canceled) return Failure::cancelled;
  for (std::errc fatal :
       {std::errc::permission_denied, std::errc::no_such_file_or_directory, std::errc::not_a_directory,
        std::errc::is_a_directory, std::errc::read_only_file_system, std::errc::filename_too_long,
        std::errc::file_too_large, std::errc::operation_not_permitted, std::errc::invalid_argument,
        std::errc::cross_device_link, std::errc::too_many_symbolic_link_levels, std::errc::function_not_supported,
        std::errc::not_supported, std::errc::file_exists}) {
    if (cause == fatal) return Failure::permanent;
  }
  return Failure::transient;
}

Failure judge(const std::error_code& code) noexcept {
  if (code.category() == error_category()) {
    const Row* row = find_row(code.value());
    return row ? row->failure : Failure::permanent;
  }
  if (code.category() == http_category()) return judge_status(code.value());
  return judge_system(code);
}

class FailureCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "bgxfer failure"; }
  std::string message(int value) const override {
    switch (static_cast<Failure>(value)) {
      case Failure::transient: return "may go away by itself";
      case Failure::permanent: return "will not go away by itself";
      case Failure::cancelled: return "given up on request";
    }
    return "unknown failure";
  }
  bool equivalent(const std::error_code& code, int condition) const noexcept override {
    return code && static_cast<int>(judge(code)) == condition;
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const ErrcCategory category;
  return category;
}

const std::error_category& http_category() noexcept {
  static const HttpCategory category;
  return category;
}

const std::error_category& failure_category() noexcept {
  static const FailureCategory category;
  return category;
}

Error::Error(std::error_code code, ErrorContext context, std::string detail)
    : code_(code), context_(context), detail_(std::move(detail)) {}

Error::Error(Errc code, ErrorContext context, std::string detail)
    : Error(make_error_code(code), context, std::move(detail)) {}

Error Error::with_file(std::uint32_t index) const {
  Error copy = *this;
  copy.file_ = index;
  return copy;
}

Error Error::with_retry_after(std::chrono::milliseconds delay) const {
  Error copy = *this;
  copy.retry_after_ = delay;
  return copy;
}

Error Error::with_resource_size(std::uint64_t size) const {
  Error copy = *this;
  copy.resource_size_ = size;
  return copy;
}

std::string Error::message() const {
  std::string text = code_.message();
  if (!detail_.empty()) text += ": " + detail_;
  return text;
}

std::string_view to_string(ErrorContext context) noexcept {
  switch (context) {
    case ErrorContext::none: return "no error";
    case ErrorContext::unknown: return "unknown place";
    case ErrorContext::queue: return "queue";
    case ErrorContext::notification: return "notification";
    case ErrorContext::local_file: return "local file";
    case ErrorContext::remote_file: return "remote file";
    case ErrorContext::transport: return "transport";
    case ErrorContext::remote_application: return "remote application";
    case ErrorContext::server_certificate: return "server certificate";
  }
  return "unknown place";
}

std::string public_url(std::string_view url) {
  const auto tail = std::find_if(url.begin(), url.end(), [](char c) { return c == '?' || c == '#'; });
  url = url.substr(0, static_cast<std::size_t>(tail - url.begin()));
  std::string text(url);
  const std::size_t authority = text.find("//");
  if (authority == std::string::npos) return text;
  const std::size_t begin = authority + 2;
  const std::size_t end = std::min(text.find('/', begin), text.size());
  const std::size_t at = text.rfind('@', end);
  if (at != std::string::npos && at >= begin && at < end) text.erase(begin, at + 1 - begin);
  return text;
}

}  // namespace bgxfer::inline v0
