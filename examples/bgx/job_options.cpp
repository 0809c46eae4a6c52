#include "job_options.hpp"

namespace bgx {

namespace {

/// Somebody is waiting: a job that gets nowhere should say so before long.
constexpr std::chrono::milliseconds no_progress_timeout{300'000};

using Schemes = std::vector<bgxfer::CredentialScheme>;

/// The schemes that the command line asks for, or those of passwords, of which the other side chooses one.
Schemes wanted_schemes(bool negotiate, bool ntlm) {
  Schemes schemes;
  if (negotiate) schemes.push_back(bgxfer::CredentialScheme::negotiate);
  if (ntlm) schemes.push_back(bgxfer::CredentialScheme::ntlm);
  if (!schemes.empty()) return schemes;
  return {bgxfer::CredentialScheme::basic, bgxfer::CredentialScheme::digest};
}

void add_login(std::vector<bgxfer::Credentials>& credentials, bgxfer::CredentialTarget target, const Schemes& schemes,
               const Login& login) {
  std::erase_if(credentials, [target](const bgxfer::Credentials& known) { return known.target == target; });
  for (bgxfer::CredentialScheme scheme : schemes) {
    credentials.push_back(bgxfer::Credentials{target, scheme, login.user, login.password});
  }
}

void apply_http(const Arguments& arguments, bgxfer::HttpOptions& http) {
  if (!arguments.headers.empty()) http.headers = arguments.headers;
  // Without a name, Negotiate and NTLM prove the user of the process.
  if (arguments.user || arguments.negotiate || arguments.ntlm) {
    add_login(http.credentials, bgxfer::CredentialTarget::server, wanted_schemes(arguments.negotiate, arguments.ntlm),
              arguments.user.value_or(Login{}));
  }
  if (arguments.proxy_user || arguments.proxy_negotiate || arguments.proxy_ntlm) {
    add_login(http.credentials, bgxfer::CredentialTarget::proxy,
              wanted_schemes(arguments.proxy_negotiate, arguments.proxy_ntlm), arguments.proxy_user.value_or(Login{}));
  }
  if (arguments.proxy_account) http.stored_credentials = bgxfer::CredentialTarget::proxy;
  if (arguments.proxy) {
    http.proxy = bgxfer::ProxyOptions{};
    http.proxy.usage = *arguments.proxy == "none" ? bgxfer::ProxyUsage::none : bgxfer::ProxyUsage::listed;
    if (*arguments.proxy != "none") http.proxy.list = *arguments.proxy;
  }
  if (arguments.proxy_bypass) http.proxy.bypass = *arguments.proxy_bypass;
  if (!arguments.certificate.empty()) {
    http.tls.client =
        bgxfer::ClientCertificate{arguments.certificate, arguments.key, arguments.key_password.value_or("")};
  } else if (arguments.key_password && !http.tls.client.file.empty()) {
    http.tls.client.password = *arguments.key_password;
  }
  if (!arguments.revocation_lists.empty()) {
    http.tls.check_revocation = true;
    http.tls.revocation_lists = arguments.revocation_lists;
  }
  if (!arguments.pins.empty()) http.tls.pins = arguments.pins;
  if (arguments.redirects) http.redirects.mode = *arguments.redirects;
  if (arguments.method) http.method = *arguments.method;
  http.tls.ignore_unknown_authority |= arguments.insecure_authority;
  http.tls.ignore_expired |= arguments.insecure_expired;
  http.tls.ignore_wrong_host |= arguments.insecure_host;
  http.tls.ignore_wrong_usage |= arguments.insecure_usage;
  http.credentials_without_tls |= arguments.insecure_auth;
  http.redirects.allow_https_to_http |= arguments.insecure_redirects;
}

}  // namespace

bgxfer::JobOptions new_job(const Arguments& arguments) {
  bgxfer::JobOptions options;
  options.no_progress_timeout = no_progress_timeout;
  apply(arguments, options);
  return options;
}

void apply(const Arguments& arguments, bgxfer::JobOptions& options) {
  if (arguments.name) options.display_name = *arguments.name;
  if (arguments.priority) options.priority = *arguments.priority;
  if (arguments.parallel) options.parallel_files = *arguments.parallel;
  if (arguments.connections) options.connections_per_file = *arguments.connections;
  if (arguments.bytes_per_second && arguments.verb != "run") options.bytes_per_second_max = *arguments.bytes_per_second;
  if (arguments.no_progress_timeout) options.no_progress_timeout = *arguments.no_progress_timeout;
  apply_http(arguments, options.http);
  if (arguments.time_max) options.maximum_download_time = *arguments.time_max;
  if (arguments.size_max) options.download.size_max = *arguments.size_max;
  if (arguments.cost) options.transfer_policy = *arguments.cost;
  if (arguments.retry_delay) {
    options.retry_delay_min = *arguments.retry_delay;
    if (options.retry_delay_max < options.retry_delay_min) options.retry_delay_max = options.retry_delay_min;
  }
}

}  // namespace bgx
