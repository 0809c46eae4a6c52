#ifndef BGXFER_HTTP_OPTIONS_HPP
#define BGXFER_HTTP_OPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// One header field of a request or a response.
struct Header {
  std::string name{};
  std::string value{};

  friend bool operator==(const Header&, const Header&) = default;
};

/// What a redirect means for a job (spec part 3.9).
enum class RedirectMode : std::uint8_t {
  follow = 0,  ///< Followed; the file keeps its URL.
  report = 1,  ///< Followed; `File::url` tells the one that the bytes came from. Requests, and what is secret in them,
               ///< still go to the file's own.
  refuse = 2,  ///< An error: the status of the redirect. `File::url` tells where it leads, and `File::set_url` goes
               ///< there; until then requests still go to the file's own.
};

/// What to do when a server sends the request elsewhere (spec part 3.9; RFC 9110 section 15.4).
struct RedirectPolicy {
  std::uint32_t hops_max = 10;       ///< 0: every redirect is refused with `Errc::redirect_refused`.
  bool allow_https_to_http = false;  ///< Leaving TLS is refused unless the owner of the job allows it.
  RedirectMode mode = RedirectMode::follow;

  friend bool operator==(const RedirectPolicy&, const RedirectPolicy&) = default;
};

/// Whom credentials are for. Numbers are those of BITS (spec part 3.6).
enum class CredentialTarget : std::uint8_t { server = 1, proxy = 2 };

/// How credentials are proven. Numbers are those of BITS where it has one (spec part 3.6).
enum class CredentialScheme : std::uint8_t {
  basic = 1,      ///< RFC 7617. To a server only over TLS, unless `HttpOptions::credentials_without_tls`.
  digest = 2,     ///< RFC 7616: MD5, SHA-256 and SHA-512-256, with their session forms; qop "auth", or none.
  ntlm = 3,       ///< `DOMAIN\user`. Where the transport has GSSAPI with that mechanism; docs/http.md.
  negotiate = 4,  ///< RFC 4559, Kerberos alone: `user@REALM`. Where the transport has GSSAPI; docs/http.md.
  passport = 5,   ///< Gone from the world; refused with `Errc::invalid_argument`.
  bearer = 6,     ///< RFC 6750: `password` is the token. Sent without being asked, under the same rule as Basic.
};

/// A name and a password for servers, or for proxies. At most one for each target and scheme.
///
/// Used where a server asks for that scheme, and only at the origin (scheme, host, port) of a file's own URL: a
/// redirect to another origin leaves them behind. `Job::options()` shows them with an empty password.
struct Credentials {
  CredentialTarget target = CredentialTarget::server;
  CredentialScheme scheme = CredentialScheme::basic;
  std::string user{};  ///< At most 300 bytes. Basic: no colon. Empty, Negotiate and NTLM alone: the user's own cache.
  std::string password{};  ///< At most 65536 bytes. For `bearer` the token.

  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// Which proxies a job uses. Numbers are those of BITS (`BG_JOB_PROXY_USAGE`, spec part 3.5).
enum class ProxyUsage : std::uint8_t {
  preconfigured = 0,  ///< What the transport was given: its resolver, else the environment variables.
  none = 1,           ///< Servers are spoken to directly.
  listed = 2,         ///< `ProxyOptions::list` and `bypass`. BITS: OVERRIDE.
  autodetect = 3,     ///< The transport's resolver, asked for every request; without one an error.
};

/// How a job finds its proxies.
struct ProxyOptions {
  ProxyUsage usage = ProxyUsage::preconfigured;
  /// Entries separated by spaces: `[scheme=][protocol://]server[:port]`. `scheme` (http or https) says for which URLs
  /// an entry is; one without serves all that have no entry of their own. `protocol` says how the proxy is spoken to:
  /// http (the default, port 80) or socks5 (port 1080; names are resolved by the proxy). At most 32000 bytes.
  std::string list{};
  /// Hosts that are spoken to directly, separated by spaces: names or addresses, `*.example.org` for all names
  /// below one, `<local>` for every name without a dot. At most 32000 bytes.
  std::string bypass{};

  friend bool operator==(const ProxyOptions&, const ProxyOptions&) = default;
};

/// A certificate with which a job proves itself to servers that ask for one, and its key.
struct ClientCertificate {
  /// PEM (the certificate, then its chain) or PKCS#12, told apart by their content. Empty: none.
  std::filesystem::path file{};
  std::filesystem::path key_file{};  ///< PEM. Empty: the key is in `file`.
  std::string password{};            ///< Of the key or of the PKCS#12 file.

  friend bool operator==(const ClientCertificate&, const ClientCertificate&) = default;
};

/// Hands out client certificates that do not lie in files. Called when a server asks for one.
class BGXFER_API ClientCertificateSource {
 public:
  virtual ~ClientCertificateSource();
  /// The certificate, its chain and its key as PEM text, for a server by that name; empty text: none. Called on the
  /// thread of the transfer, so it answers at once.
  [[nodiscard]] virtual Result<std::string> pem_for(std::string_view host) = 0;
};

/// What a server showed to prove itself.
struct ServerCertificate {
  std::string host{};
  std::uint16_t port = 0;
  std::vector<std::vector<std::byte>> chain{};  ///< DER, the server's own first, as verified.
};

/// A second opinion on servers' certificates (spec part 3.10).
///
/// Asked once the usual checks have passed, before anything is sent. An acceptance is remembered for the host, the port
/// and the certificate as long as the job keeps this object; a refusal is not.
class BGXFER_API CertificateValidator {
 public:
  virtual ~CertificateValidator();
  /// A failure ends the connection; the job waits and tries again, with the returned code in the context
  /// `server_certificate`. Called on the thread of the transfer, so it answers at once.
  [[nodiscard]] virtual Result<void> check(const ServerCertificate& certificate) = 0;
};

/// How https servers are made to prove themselves (spec parts 3.7, 3.9 and 3.10). Everything is checked unless said
/// otherwise here, for this job alone. Leaves out of the journal: passwords, `client_source` and `validator`.
struct TlsOptions {
  bool ignore_unknown_authority = false;  ///< Accept certificates of authorities that nobody here trusts.
  bool ignore_expired = false;            ///< Accept certificates that are out of date, or not yet valid.
  bool ignore_wrong_host = false;         ///< Accept certificates of another host.
  bool ignore_wrong_usage = false;        ///< Accept certificates that are not for servers.

  /// Refuse certificates that their authority has revoked, and those of which it cannot be known: for every authority
  /// of the chain but the last a list is needed in `revocation_lists`.
  bool check_revocation = false;
  std::filesystem::path revocation_lists{};  ///< PEM: one list or several, read anew for every connection.

  /// PEM: authorities to trust beside the ones of the transport.
  std::filesystem::path extra_authorities{};
  /// The server's own key must have one of these digests (SHA-256 of the SubjectPublicKeyInfo, RFC 7469), at
  /// most 64. Empty: any key.
  std::vector<Sha256> pins{};

  ClientCertificate client{};
  std::shared_ptr<ClientCertificateSource> client_source{};  ///< Goes before `client`.
  std::shared_ptr<CertificateValidator> validator{};

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// What a job asks of HTTP.
struct HttpOptions {
  /// Sent with every request to the origin of a file's URL, and to no other. Secret: never logged, never in the
  /// journal; after a restart the host gives them again with `Job::configure`, until then the job is in
  /// `error` with `Errc::headers_needed`. A `QueueOptions::secrets` keeps them over restarts.
  std::vector<Header> headers{};
  /// `Job::options()` shows the headers with empty values from now on. Cannot be undone (spec part 3.8).
  bool headers_write_only = false;
  /// As secret as headers.
  std::vector<Credentials> credentials{};
  /// Lets Basic and Bearer go to servers over plain http, where everybody on the way can read them.
  bool credentials_without_tls = false;
  /// `proxy`: proxies that ask for Negotiate or NTLM are shown what the process's own account has (its tickets, its
  /// cache), where the job has no `credentials` of its own for proxies. Never shown to servers, which are refused here:
  /// `Errc::stored_credentials_unsupported` (spec parts 3.6 and 3.12). No secret, so it survives restarts.
  std::optional<CredentialTarget> stored_credentials{};
  RedirectPolicy redirects{};
  ProxyOptions proxy{};
  TlsOptions tls{};
  /// GET, or any other but CONNECT, of at most 64 bytes. Another one makes the job `Priority::foreground`, which it
  /// keeps; nothing of it is resumed, and every failure ends the attempt (spec part 3.11). Fixed once the job has been
  /// resumed.
  std::string method = "GET";

  friend bool operator==(const HttpOptions&, const HttpOptions&) = default;
};

}  // namespace bgxfer::inline v0

#endif
