#ifndef BGXFER_ERROR_HPP
#define BGXFER_ERROR_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// What went wrong, where no other category has the word for it.
/// Values are part of the journal format: append, never renumber.
enum class Errc {
  // Calls that were refused; nothing changed.
  cancelled = 1,                        ///< The operation was given up on request.
  queue_closed = 2,                     ///< The queue is gone or closing.
  invalid_state = 3,                    ///< Not allowed in the job's state (spec part 1.4).
  not_found = 4,                        ///< No such job or file.
  empty_job = 5,                        ///< A job without files cannot be resumed.
  invalid_argument = 6,                 ///< An option has a value that it cannot have.
  invalid_url = 7,                      ///< Not an absolute URL that this queue can fetch.
  relative_target = 8,                  ///< The target is not an absolute path.
  unsafe_target = 9,                    ///< The target's name or folder breaks the file name rules.
  duplicate_target = 10,                ///< Two files of one job have the same target.
  overlapping_ranges = 11,              ///< Two ranges of one file share bytes.
  invalid_range = 12,                   ///< A range is empty, or lies outside the resource.
  too_many_jobs = 13,                   ///< `Limits::jobs_max`.
  too_many_files = 14,                  ///< `Limits::files_per_job_max`.
  too_many_ranges = 15,                 ///< `Limits::ranges_per_file_max`.
  string_too_long = 16,                 ///< A name, description, URL or header exceeds its limit.
  digest_unavailable = 17,              ///< A file has a SHA-256, but the queue has no `QueueOptions::sha256`.
  read_only_after_add = 18,             ///< Can be set only before the first file is added.
  read_only_after_resume = 19,          ///< Can be set only before the first resume.
  read_only_while_active = 20,          ///< Can be set only while the job is suspended, in error or transferred.
  unsupported_configuration = 21,       ///< Two options exclude each other.
  command_forbidden = 22,               ///< A notify command, but the host set no `QueueOptions::run_command`.
  too_many_jobs_of_owner = 23,          ///< `Limits::jobs_per_owner_max`.
  file_not_transferred = 24,            ///< Only for a file whose bytes have all arrived.
  random_access_unsupported = 25,       ///< The job, or its server, cannot send parts of a file in any order.
  stored_credentials_unsupported = 26,  ///< `HttpOptions::stored_credentials` is for proxies only.
  // The network and the server.
  network_disconnected = 30,  ///< The host said that there is no network.
  connection_closed = 31,     ///< The peer closed before the answer was complete.
  connect_timeout = 32,       ///< No connection within the connect timeout.
  response_timeout = 33,      ///< No response head within the first-byte timeout.
  stalled = 34,               ///< No byte within the stall timeout.
  body_truncated = 35,        ///< The body ended before its announced length.
  invalid_response = 36,      ///< The response breaks HTTP in a way that could hide wrong bytes.
  response_too_large = 37,    ///< A head, trailer or body exceeds its limit.
  encoded_body = 38,          ///< The body carries a Content-Encoding although identity was asked for.
  unproven_end = 39,          ///< The body has no length and no terminator, and no size or digest is known.
  range_ignored = 40,         ///< Bytes other than those asked for were sent.
  resource_changed = 41,      ///< The resource is no longer the one whose bytes arrived before.
  too_many_redirects = 42,
  redirect_refused = 43,  ///< The redirect policy forbids the next hop.
  certificate_untrusted = 44,
  certificate_expired = 45,  ///< Expired, or not yet valid.
  certificate_wrong_host = 46,
  certificate_revoked = 47,
  certificate_wrong_usage = 48,
  tls_failed = 49,                   ///< The TLS handshake or record layer failed.
  no_progress = 50,                  ///< A file restarted more often than `Limits::restarts_max`.
  blocked_address = 51,              ///< The name resolved to an address that the policy forbids.
  ranges_unsupported = 52,           ///< The server cannot send the parts of the resource that the file consists of.
  certificate_pin_mismatch = 53,     ///< The server's key is none of `TlsOptions::pins`.
  client_certificate_needed = 54,    ///< The server wants a client certificate, and the job has none.
  client_certificate_unusable = 55,  ///< The client certificate or its key cannot be read or used.
  client_certificate_refused = 56,   ///< The server does not accept the client certificate.
  revocation_unknown = 57,           ///< Whether the server's certificate is revoked cannot be known.
  invalid_proxy = 58,                ///< A proxy, or the list of hosts to reach without, is not understood.
  proxy_failed = 59,                 ///< The proxy did not make the connection, or does not speak as it should.
  // The local disk.
  partial_file_changed = 60,  ///< The temporary file is not the one that this job wrote.
  checksum_mismatch = 61,     ///< All bytes arrived, but their SHA-256 is not the expected one.
  target_exists = 62,         ///< Reserved: a target that exists is replaced.
  wrong_size = 63,            ///< The resource has another size than the one that was given for the file.
  validation_failed = 64,     ///< The host found the finished file to be wrong (`File::set_validation_state`).
  attributes_denied = 66,     ///< The privilege to give the file its owner, group or permissions is missing.
  commit_refused = 67,        ///< `QueueOptions::commit_guard` does not let the file have its name.
  // The journal.
  journal_locked = 70,   ///< Another process uses the journal.
  journal_foreign = 71,  ///< The file is not a bgxfer journal.
  journal_newer = 72,    ///< The journal was written by a later version.
  journal_damaged = 73,  ///< The journal cannot be used, and cannot be salvaged either.
  journal_failed = 74,   ///< The journal cannot be written; nothing more is promised.
  // Restarted jobs.
  headers_needed = 80,    ///< The job's request headers are secret, were not stored, and must be given again.
  validator_needed = 81,  ///< The job's certificate validator or certificate source must be given again.
  identity_needed = 83,   ///< The job's helper identity was not stored, and must be given again.
  identity_refused = 84,  ///< The process may not open files as the job's helper identity.
  // Policies and budgets.
  download_time_exceeded = 90,  ///< The job's maximum download time has passed.
  download_too_large = 91,      ///< The job's maximum download size has been reached.
  blocked_by_cost = 92,         ///< The job's transfer policy does not allow the network that is in use.
};

/// What a caller may do about an error. Compare any `std::error_code` with these; codes of the
/// standard library, of Asio, of OpenSSL and HTTP statuses are judged as well.
enum class Failure {
  transient = 1,  ///< May go away by itself: retry later.
  permanent = 2,  ///< Will not go away until somebody acts.
  cancelled = 3,  ///< Not a failure: given up on request.
};

/// Where an error arose. Names and numbers are those of BITS (`BG_ERROR_CONTEXT`, spec part 7.1).
enum class ErrorContext : std::uint8_t {
  none = 0,
  unknown = 1,
  queue = 2,  ///< General queue manager, policy blocks.
  notification = 3,
  local_file = 4,
  remote_file = 5,  ///< The resource, or the server's answer about it.
  transport = 6,    ///< Connection, TLS, name resolution.
  remote_application = 7,
  server_certificate = 8,  ///< The host's certificate callback.
};

/// The category of `Errc`.
[[nodiscard]] BGXFER_API const std::error_category& error_category() noexcept;
/// The category of HTTP statuses: the value is the status, for example 404.
[[nodiscard]] BGXFER_API const std::error_category& http_category() noexcept;
/// The category of `Failure`: knows how to judge codes of any category.
[[nodiscard]] BGXFER_API const std::error_category& failure_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}
[[nodiscard]] inline std::error_condition make_error_condition(Failure failure) noexcept {
  return {static_cast<int>(failure), failure_category()};
}
/// The error code of an HTTP status.
[[nodiscard]] inline std::error_code http_status(int status) noexcept { return {status, http_category()}; }

/// One failure: the code, where it arose, one detail for people, and what is known about the cure.
///
/// A value. `detail` names the thing (a path, a URL without its query, a status line) and never
/// carries secrets: whoever makes an `Error` leaves credentials, headers and URL queries out.
class BGXFER_API Error {
 public:
  Error(std::error_code code, ErrorContext context, std::string detail = {});
  Error(Errc code, ErrorContext context, std::string detail = {});

  [[nodiscard]] std::error_code code() const noexcept { return code_; }
  [[nodiscard]] ErrorContext context() const noexcept { return context_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// The file to blame: its index in the job. Empty if no file is to blame.
  [[nodiscard]] std::optional<std::uint32_t> file() const noexcept { return file_; }
  /// When the server asked to come back (Retry-After, RFC 9110 section 10.2.3).
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }

  /// The size of the resource, where the server gave it with its refusal: HTTP status 416 with
  /// `Content-Range: bytes */N` (RFC 9110 section 15.5.17).
  [[nodiscard]] std::optional<std::uint64_t> resource_size() const noexcept { return resource_size_; }

  /// The same error, with one more thing known about it.
  [[nodiscard]] Error with_file(std::uint32_t index) const;
  [[nodiscard]] Error with_retry_after(std::chrono::milliseconds delay) const;
  [[nodiscard]] Error with_resource_size(std::uint64_t size) const;

  /// "what: detail", one line, no trailing newline.
  [[nodiscard]] std::string message() const;

  friend bool operator==(const Error&, const Error&) = default;

 private:
  std::error_code code_;
  ErrorContext context_;
  std::string detail_;
  std::optional<std::uint32_t> file_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::optional<std::uint64_t> resource_size_;
};

/// The text of a context, in English.
[[nodiscard]] BGXFER_API std::string_view to_string(ErrorContext context) noexcept;

/// `url` without user information, query and fragment: what may be shown to people and logs.
[[nodiscard]] BGXFER_API std::string public_url(std::string_view url);

}  // namespace bgxfer::inline v0

template <>
struct std::is_error_code_enum<bgxfer::Errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<bgxfer::Failure> : std::true_type {};

#endif
