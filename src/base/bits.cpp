#include <bgxfer/bits.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "cause.hpp"

namespace bgxfer::inline v0 {

namespace {

struct BitsCode {
  std::uint32_t code;
  const char* name;
  const char* text;
};

/// Spec part 7.2.
constexpr BitsCode bits_codes[] = {
    {0x80200001, "BG_E_NOT_FOUND", "the job does not exist"},
    {0x80200002, "BG_E_INVALID_STATE", "not allowed in this state"},
    {0x80200003, "BG_E_EMPTY", "the job has no files"},
    {0x80200004, "BG_E_FILE_NOT_AVAILABLE", "the error has no file"},
    {0x80200005, "BG_E_PROTOCOL_NOT_AVAILABLE", "the error has no protocol"},
    {0x00200006, "BG_S_ERROR_CONTEXT_NONE", "error context 0"},
    {0x80200007, "BG_E_ERROR_CONTEXT_UNKNOWN", "error context 1"},
    {0x80200008, "BG_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER", "error context 2"},
    {0x80200009, "BG_E_ERROR_CONTEXT_LOCAL_FILE", "error context 4"},
    {0x8020000A, "BG_E_ERROR_CONTEXT_REMOTE_FILE", "error context 5"},
    {0x8020000B, "BG_E_ERROR_CONTEXT_GENERAL_TRANSPORT", "error context 6"},
    {0x8020000C, "BG_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION", "error context 3"},
    {0x8020000D, "BG_E_DESTINATION_LOCKED", "the destination volume is locked"},
    {0x8020000E, "BG_E_VOLUME_CHANGED",
     "another volume is in the drive of the destination; put the old one back and resume"},
    {0x8020000F, "BG_E_ERROR_INFORMATION_UNAVAILABLE", "there is no error to tell about"},
    {0x80200010, "BG_E_NETWORK_DISCONNECTED", "there is no network"},
    {0x80200011, "BG_E_MISSING_FILE_SIZE", "the server does not tell the size of the file"},
    {0x80200012, "BG_E_INSUFFICIENT_HTTP_SUPPORT", "the server does not speak HTTP/1.1"},
    {0x80200013, "BG_E_INSUFFICIENT_RANGE_SUPPORT", "the server or a proxy does not honour ranges"},
    {0x80200014, "BG_E_REMOTE_NOT_SUPPORTED", "not from another machine"},
    {0x80200015, "BG_E_NEW_OWNER_DIFF_MAPPING", "the drive of a file means another place to the new owner"},
    {0x80200016, "BG_E_NEW_OWNER_NO_FILE_ACCESS", "the new owner cannot reach the temporary files"},
    {0x00200017, "BG_S_PARTIAL_COMPLETE", "completed without the files that had not arrived"},
    {0x80200018, "BG_E_PROXY_LIST_TOO_LARGE", "the proxy list is too long"},
    {0x80200019, "BG_E_PROXY_BYPASS_LIST_TOO_LARGE", "the proxy bypass list is too long"},
    {0x0020001A, "BG_S_UNABLE_TO_DELETE_FILES", "temporary files are left behind"},
    {0x8020001B, "BG_E_INVALID_SERVER_RESPONSE", "the server broke the protocol"},
    {0x8020001C, "BG_E_TOO_MANY_FILES", "an upload has one file"},
    {0x8020001D, "BG_E_LOCAL_FILE_CHANGED", "the file to upload has changed"},
    {0x8020001E, "BG_E_ERROR_CONTEXT_REMOTE_APPLICATION", "error context 7"},
    {0x8020001F, "BG_E_SESSION_NOT_FOUND", "the server has lost the upload session"},
    {0x80200020, "BG_E_TOO_LARGE", "larger than the server or the call allows"},
    {0x80200021, "BG_E_STRING_TOO_LONG", "a text is too long"},
    {0x80200022, "BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH", "client and server share no upload protocol"},
    {0x80200023, "BG_E_SERVER_EXECUTE_ENABLE", "the upload folder may run scripts"},
    {0x80200024, "BG_E_NO_PROGRESS", "the job does not advance"},
    {0x80200025, "BG_E_USERNAME_TOO_LARGE", "the user name is too long"},
    {0x80200026, "BG_E_PASSWORD_TOO_LARGE", "the password is too long"},
    {0x80200027, "BG_E_INVALID_AUTH_TARGET", "the credential is for neither server nor proxy"},
    {0x80200028, "BG_E_INVALID_AUTH_SCHEME", "the authentication scheme is unknown"},
    {0x80200029, "BG_E_FILE_NOT_FOUND", "no such file in the job"},
    {0x0020002A, "BG_S_PROXY_CHANGED", "the proxy settings changed"},
    {0x8020002B, "BG_E_INVALID_RANGE", "the range lies outside the file"},
    {0x8020002C, "BG_E_OVERLAPPING_RANGES", "two ranges overlap"},
    {0x8020002D, "BG_E_CONNECT_FAILURE", "no connection could be made"},
    {0x8020002E, "BG_E_CONNECTION_CLOSED", "the connection was closed"},
    {0x8020003E, "BG_E_BLOCKED_BY_POLICY", "the bandwidth policy allows nothing now"},
    {0x8020003F, "BG_E_INVALID_PROXY_INFO", "the proxy or bypass list is not valid"},
    {0x80200040, "BG_E_INVALID_CREDENTIALS", "the credentials are malformed"},
    {0x80200041, "BG_E_INVALID_HASH_ALGORITHM", "the hash algorithm is unknown"},
    {0x80200042, "BG_E_RECORD_DELETED", "the cache record is gone"},
    {0x80200043, "BG_E_COMMIT_IN_PROGRESS", "somebody else is writing the cache record"},
    {0x80200044, "BG_E_DISCOVERY_IN_PROGRESS", "peers are being searched already"},
    {0x80200045, "BG_E_UPNP_ERROR", "the gateway did not answer"},
    {0x80200046, "BG_E_TEST_OPTION_BLOCKED_DOWNLOAD", "a test option blocked the download"},
    {0x80200047, "BG_E_PEERCACHING_DISABLED", "peer caching is switched off"},
    {0x80200048, "BG_E_BUSYCACHERECORD", "the cache record is in use"},
    {0x80200049, "BG_E_TOO_MANY_JOBS_PER_USER", "the user has too many jobs"},
    {0x80200050, "BG_E_TOO_MANY_JOBS_PER_MACHINE", "the machine has too many jobs"},
    {0x80200051, "BG_E_TOO_MANY_FILES_IN_JOB", "the job has too many files"},
    {0x80200052, "BG_E_TOO_MANY_RANGES_IN_FILE", "the file has too many ranges"},
    {0x80200053, "BG_E_VALIDATION_FAILED", "the host found the content to be wrong"},
    {0x80200054, "BG_E_MAXDOWNLOAD_TIMEOUT", "the maximum download time has passed"},
    {0x00200055, "BG_S_OVERRIDDEN_BY_POLICY", "kept, but a policy wins"},
    {0x80200056, "BG_E_TOKEN_REQUIRED", "the helper identity has to be set again"},
    {0x80200057, "BG_E_UNKNOWN_PROPERTY_ID", "there is no such property"},
    {0x80200058, "BG_E_READ_ONLY_PROPERTY", "the property cannot be set"},
    {0x80200059, "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY", "the network costs more than the job may spend"},
    {0x80200060, "BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY", "only download jobs have this property"},
    {0x80200061, "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE", "the property cannot be set once the job has files"},
    {0x80200062, "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME", "the property cannot be set once the job has been resumed"},
    {0x80200063, "BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE", "the maximum download size cannot be zero"},
    {0x80200064, "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED", "the job is larger than its maximum download size"},
    {0x80200065, "BG_E_STANDBY_MODE", "the machine is in standby"},
    {0x80200066, "BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED", "stored credentials are only for proxies"},
    {0x80200067, "BG_E_BLOCKED_BY_BATTERY_POLICY", "not on battery"},
    {0x80200068, "BG_E_BLOCKED_BY_BATTERY_SAVER", "the battery saver is on"},
    {0x80200069, "BG_E_WATCHDOG_TIMEOUT", "an operation took too long"},
    {0x8020006A, "BG_E_APP_PACKAGE_NOT_FOUND", "the application package is unknown"},
    {0x8020006B, "BG_E_APP_PACKAGE_SCENARIO_NOT_SUPPORTED", "not supported for an application package"},
    {0x8020006C, "BG_E_DATABASE_CORRUPT", "the stored state is damaged"},
    {0x8020006D, "BG_E_RANDOM_ACCESS_NOT_SUPPORTED", "the job or the server does not allow random access"},
    {0x8020006E, "BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY", "the application may not work in the background"},
    {0x8020006F, "BG_E_BLOCKED_BY_GAME_MODE", "a game is running"},
    {0x80200070, "BG_E_BLOCKED_BY_SYSTEM_POLICY", "the system forbids it now"},
    {0x80200071, "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD", "not with an HTTP method of its own"},
    {0x80200072, "BG_E_UNSUPPORTED_JOB_CONFIGURATION", "options that exclude each other"},
    {0x80200073, "BG_E_REMOTE_FILE_CHANGED", "the file changed on the server and may not be restarted"},
    {0x80200074, "BG_E_SERVER_CERT_VALIDATION_INTERFACE_REQUIRED", "the certificate callback has to be set again"},
    {0x80200075, "BG_E_READ_ONLY_WHEN_JOB_ACTIVE", "cannot be set while the job is active"},
    {0x80200076, "BG_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK", "error context 8"},
};

constexpr std::uint32_t http_facility = 0x80190000;
constexpr std::uint32_t system_facility = 0x80070000;
constexpr std::uint32_t unspecified_failure = 0x80004005;

/// Each `Errc` in the words of BITS. Those of the 0x80072... range are the codes of its HTTP library (spec part 7.3).
std::uint32_t code_of(Errc error) noexcept {
  switch (error) {
    case Errc::cancelled: return 0x800704C7;
    case Errc::queue_closed: return 0x8007045B;
    case Errc::invalid_state: return 0x80200002;
    case Errc::not_found: return 0x80200001;
    case Errc::empty_job: return 0x80200003;
    case Errc::invalid_argument:
    case Errc::invalid_url:
    case Errc::relative_target:
    case Errc::unsafe_target:
    case Errc::duplicate_target:
    case Errc::digest_unavailable: return 0x80070057;
    case Errc::overlapping_ranges: return 0x8020002C;
    case Errc::invalid_range: return 0x8020002B;
    case Errc::too_many_jobs: return 0x80200050;
    case Errc::too_many_jobs_of_owner: return 0x80200049;
    case Errc::too_many_files: return 0x80200051;
    case Errc::too_many_ranges: return 0x80200052;
    case Errc::read_only_after_add: return 0x80200061;
    case Errc::read_only_after_resume: return 0x80200062;
    case Errc::read_only_while_active: return 0x80200075;
    case Errc::unsupported_configuration: return 0x80200072;
    case Errc::command_forbidden: return 0x80070005;
    case Errc::file_not_transferred: return 0x8000000A;
    case Errc::random_access_unsupported: return 0x8020006D;
    case Errc::stored_credentials_unsupported: return 0x80200066;
    case Errc::commit_refused: return 0x80070005;
    case Errc::string_too_long: return 0x80200021;
    case Errc::network_disconnected: return 0x80200010;
    case Errc::connection_closed: return 0x8020002E;
    case Errc::connect_timeout:
    case Errc::response_timeout:
    case Errc::stalled: return 0x80072EE2;
    case Errc::body_truncated: return 0x80072EFE;
    case Errc::invalid_response:
    case Errc::response_too_large:
    case Errc::encoded_body: return 0x8020001B;
    case Errc::unproven_end: return 0x80200011;
    case Errc::range_ignored:
    case Errc::ranges_unsupported: return 0x80200013;
    case Errc::resource_changed:
    case Errc::wrong_size: return 0x80200073;
    case Errc::too_many_redirects:
    case Errc::redirect_refused: return http_facility | 302;
    case Errc::certificate_untrusted: return 0x80072F0D;
    case Errc::certificate_expired: return 0x80072F05;
    case Errc::certificate_wrong_host: return 0x80072F06;
    case Errc::certificate_revoked: return 0x80072F8A;
    case Errc::certificate_wrong_usage: return 0x80072F93;
    case Errc::tls_failed: return 0x80072F8F;
    case Errc::no_progress: return 0x80200024;
    case Errc::blocked_address: return 0x80200070;
    case Errc::partial_file_changed: return 0x8020001D;
    case Errc::checksum_mismatch:
    case Errc::validation_failed: return 0x80200053;
    case Errc::target_exists: return 0x80070050;
    case Errc::journal_locked: return 0x80070020;
    case Errc::journal_foreign:
    case Errc::journal_newer:
    case Errc::journal_damaged: return 0x8020006C;
    case Errc::journal_failed: return 0x8007001D;
    case Errc::certificate_pin_mismatch: return 0x80072F8F;
    case Errc::client_certificate_needed: return 0x80072F0C;
    case Errc::client_certificate_unusable: return 0x80072F9A;
    case Errc::client_certificate_refused: return http_facility | 403;
    case Errc::revocation_unknown: return 0x80072F19;
    case Errc::invalid_proxy: return 0x8020003F;
    case Errc::proxy_failed: return 0x8020002D;
    case Errc::validator_needed: return 0x80200074;
    case Errc::download_time_exceeded: return 0x80200054;
    case Errc::download_too_large: return 0x80200064;
    case Errc::blocked_by_cost: return 0x80200059;
    case Errc::headers_needed:
    case Errc::identity_needed: return 0x80200056;
    case Errc::attributes_denied:
    case Errc::identity_refused: return 0x80070005;
  }
  return unspecified_failure;
}

/// The nearest relatives of POSIX's errors on Windows.
std::uint32_t code_of_system(const std::error_condition& cause) noexcept {
  // clang-format off
  constexpr std::pair<std::errc, std::uint32_t> relatives[] = {
      {std::errc::no_such_file_or_directory, 2}, {std::errc::not_a_directory, 3},
      {std::errc::permission_denied, 5},         {std::errc::operation_not_permitted, 5},
      {std::errc::read_only_file_system, 19},    {std::errc::io_error, 29},
      {std::errc::text_file_busy, 32},           {std::errc::function_not_supported, 50},
      {std::errc::not_supported, 50},            {std::errc::file_exists, 80},
      {std::errc::invalid_argument, 87},         {std::errc::no_space_on_device, 112},
      {std::errc::filename_too_long, 206},       {std::errc::file_too_large, 223},
      {std::errc::operation_canceled, 1223},     {std::errc::network_unreachable, 1231},
      {std::errc::host_unreachable, 1232},       {std::errc::too_many_files_open, 4},
      {std::errc::cross_device_link, 17},        {std::errc::timed_out, 0x2EE2},
      {std::errc::connection_refused, 0x2EFD},   {std::errc::connection_reset, 0x2EFE},
      {std::errc::connection_aborted, 0x2EFE},   {std::errc::broken_pipe, 0x2EFE},
  };
  // clang-format on
  if (cause == std::errc::not_enough_memory) return 0x8007000E;
  for (const auto& [condition, number] : relatives) {
    if (cause == condition) return system_facility | number;
  }
  return unspecified_failure;
}

const BitsCode* find_code(std::uint32_t code) noexcept {
  const auto* found = std::find_if(std::begin(bits_codes), std::end(bits_codes),
                                   [code](const BitsCode& candidate) { return candidate.code == code; });
  return found == std::end(bits_codes) ? nullptr : found;
}

}  // namespace

std::uint32_t bits_code(const std::error_code& error) noexcept {
  if (!error) return 0;
  if (error.category() == error_category()) return code_of(static_cast<Errc>(error.value()));
  if (error.category() == http_category()) return http_facility | (static_cast<std::uint32_t>(error.value()) & 0xffff);
  // Asio's categories by their names: this room knows no library.
  const std::string_view category = error.category().name();
  if (category == "asio.netdb" || category == "asio.addrinfo") return 0x80072EE7;
  return code_of_system(detail::cause_of(error));
}

std::string bits_name(std::uint32_t code) {
  if (const BitsCode* known = find_code(code)) return known->name;
  const std::uint32_t status = code & 0xffff;
  if ((code & 0xffff0000) == http_facility && status >= 100 && status <= 599) {
    return "BG_E_HTTP_ERROR_" + std::to_string(status);
  }
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08X", static_cast<unsigned>(code));
  return text.data();
}

std::string bits_text(std::uint32_t code) {
  if (const BitsCode* known = find_code(code)) return known->text;
  const std::uint32_t status = code & 0xffff;
  if ((code & 0xffff0000) == http_facility && status >= 100 && status <= 599) {
    return "the server answered with HTTP status " + std::to_string(status);
  }
  return {};
}

}  // namespace bgxfer::inline v0
