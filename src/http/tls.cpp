#include "tls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <limits>
#include <list>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <asio/ip/address.hpp>

#include "certificate.hpp"
#include "client_identity.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Room for two records: one `recv` instead of two per 16 KiB. More was measured and gained nothing.
constexpr std::size_t tls_read_buffer_bytes = 32 * 1024;

struct FreeSslSession {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SslSessionPointer = std::unique_ptr<SSL_SESSION, FreeSslSession>;

std::string tls_reason(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown reason";
}

Error tls_error(Errc code, std::string detail) { return Error(code, ErrorContext::transport, std::move(detail)); }

// A BIO on a bare socket. OpenSSL's own one writes with `write`, which raises SIGPIPE in the host's process when the
// peer has gone; this one does not.

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(socket_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = ::recv(socket_of(bio), bytes, static_cast<std::size_t>(count), 0);
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(received);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
  }
}

struct FreeBioMethod {
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
};

const BIO_METHOD* socket_bio_method() {
  static const std::unique_ptr<BIO_METHOD, FreeBioMethod> method = [] {
    std::unique_ptr<BIO_METHOD, FreeBioMethod> made(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "bgxfer socket"));
    if (made) {
      BIO_meth_set_write(made.get(), bio_write);
      BIO_meth_set_read(made.get(), bio_read);
      BIO_meth_set_ctrl(made.get(), bio_ctrl);
    }
    return made;
  }();
  return method.get();
}

/// Sessions by origin, the freshest first.
class SessionStore {
 public:
  SslSessionPointer find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.key != key) continue;
      SSL_SESSION_up_ref(entry.session.get());
      return SslSessionPointer(entry.session.get());
    }
    return nullptr;
  }

  void keep(const std::string& key, SslSessionPointer session) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&key](const Entry& entry) { return entry.key == key; });
    entries_.emplace_front(key, std::move(session));
    if (entries_.size() > TlsContext::sessions_max) entries_.pop_back();
  }

  void forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&key](const Entry& entry) { return entry.key == key; });
  }

 private:
  struct Entry {
    Entry(std::string entry_key, SslSessionPointer entry_session)
        : key(std::move(entry_key)), session(std::move(entry_session)) {}
    std::string key;
    SslSessionPointer session;
  };

  std::mutex mutex_;
  std::list<Entry> entries_;
};

struct FreeSslContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};

/// Certificates that a host's validator has accepted: host, port and digest of each (spec part 3.10).
class Acceptances {
 public:
  bool contains(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return keys_.contains(key);
  }
  void add(std::string key) {
    const std::lock_guard lock(mutex_);
    if (keys_.size() >= TlsContext::sessions_max) keys_.clear();
    keys_.insert(std::move(key));
  }

 private:
  std::mutex mutex_;
  std::set<std::string> keys_;
};

class OpenSslContext final : public TlsContext {
 public:
  std::unique_ptr<SSL_CTX, FreeSslContext> native{};
  TlsOptions options{};
  std::optional<ClientIdentity> identity{};
  SessionStore sessions{};
  Acceptances acceptances{};
};

}  // namespace

/// Hangs on the SSL, where the callbacks find it.
struct TlsSession::Meeting {
  explicit Meeting(std::shared_ptr<TlsContext> shared, Origin with)
      : context(std::move(shared)), peer(std::move(with)) {}

  [[nodiscard]] std::string key() const { return peer.host + ":" + std::to_string(peer.port); }

  std::shared_ptr<TlsContext> context;  // An OpenSslContext: `native_of`.
  Origin peer;
  bool asked_for_certificate = false;
  bool showed_certificate = false;
  std::optional<Error> failure{};  // What a callback knows better than OpenSSL.
};

namespace {

OpenSslContext& native_of(const TlsSession::Meeting& meeting) { return static_cast<OpenSslContext&>(*meeting.context); }

int meeting_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

TlsSession::Meeting* meeting_of(const SSL* ssl) {
  return static_cast<TlsSession::Meeting*>(SSL_get_ex_data(ssl, meeting_index()));
}

TlsSession::Meeting* meeting_of(X509_STORE_CTX* verification) {
  return meeting_of(
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx())));
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  TlsSession::Meeting* meeting = meeting_of(ssl);
  if (!meeting) return 0;
  SslSessionPointer ours(session);  // From here on, whatever happens.
  try {
    native_of(*meeting).sessions.keep(meeting->key(), std::move(ours));
  } catch (...) {
    // No memory: the next connection has to shake hands in full. OpenSSL is C, and knows no exceptions.
  }
  return 1;
}

/// Whether the job accepts certificates with this flaw. Broken signatures and the like are accepted by nobody.
bool is_accepted(const TlsOptions& options, int verdict) noexcept {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return options.ignore_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return options.ignore_wrong_host;
    case X509_V_ERR_INVALID_PURPOSE: return options.ignore_wrong_usage;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return options.ignore_unknown_authority;
    default: return false;
  }
}

int judge_flaw(int good, X509_STORE_CTX* verification) {
  if (good) return 1;
  const TlsSession::Meeting* meeting = meeting_of(verification);
  if (!meeting || !is_accepted(native_of(*meeting).options, X509_STORE_CTX_get_error(verification))) return 0;
  X509_STORE_CTX_set_error(verification, X509_V_OK);
  return 1;
}

struct FreeRevocations {
  void operator()(STACK_OF(X509_CRL) * lists) const noexcept { sk_X509_CRL_pop_free(lists, X509_CRL_free); }
};
using Revocations = std::unique_ptr<STACK_OF(X509_CRL), FreeRevocations>;

/// All lists of a PEM file; none if it cannot be read, which the verification then takes for what it is.
Revocations read_revocations(const std::filesystem::path& path) {
  Revocations lists(sk_X509_CRL_new_null());
  if (path.empty() || !lists) return lists;
  struct CloseList {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  };
  const std::unique_ptr<BIO, CloseList> in(BIO_new_file(path.c_str(), "r"));
  while (X509_CRL* next = in ? PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr) : nullptr) {
    if (sk_X509_CRL_push(lists.get(), next) == 0) X509_CRL_free(next);
  }
  ERR_clear_error();
  return lists;
}

std::vector<std::byte> der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int count = i2d_X509(certificate, &bytes);
  std::vector<std::byte> der;
  if (count > 0) der.assign(reinterpret_cast<std::byte*>(bytes), reinterpret_cast<std::byte*>(bytes) + count);
  OPENSSL_free(bytes);
  return der;
}

std::optional<Sha256> sha256_of(std::span<const std::byte> bytes) {
  Sha256 digest;
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.bytes.data()), &size,
                              EVP_sha256(), nullptr);
  if (done != 1 || size != digest.bytes.size()) return std::nullopt;
  return digest;
}

/// RFC 7469 section 2.4.
std::optional<Sha256> pin_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
  if (count <= 0) return std::nullopt;
  const auto digest = sha256_of(std::as_bytes(std::span(bytes, static_cast<std::size_t>(count))));
  OPENSSL_free(bytes);
  return digest;
}

Result<void> check_pins(const TlsSession::Meeting& meeting, X509* own) {
  const std::vector<Sha256>& pins = native_of(meeting).options.pins;
  if (pins.empty()) return {};
  const std::optional<Sha256> found = pin_of(own);
  if (found && std::find(pins.begin(), pins.end(), *found) != pins.end()) return {};
  return tls_error(Errc::certificate_pin_mismatch,
                   meeting.peer.host + ": its key is " + (found ? found->to_string() : std::string("unreadable")));
}

/// The host's opinion, remembered where it was good.
Result<void> ask_validator(TlsSession::Meeting& meeting, X509_STORE_CTX* verification, X509* own) {
  OpenSslContext& context = native_of(meeting);
  if (!context.options.validator) return {};
  ServerCertificate shown;
  shown.host = meeting.peer.host;
  shown.port = meeting.peer.port;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verification);
  for (int i = 0; i < sk_X509_num(chain); ++i) shown.chain.push_back(der_of(sk_X509_value(chain, i)));
  if (shown.chain.empty()) shown.chain.push_back(der_of(own));

  const std::optional<Sha256> digest = sha256_of(shown.chain.front());
  const std::string key = meeting.key() + " " + (digest ? digest->to_string() : std::string());
  if (digest && context.acceptances.contains(key)) return {};
  const Result<void> verdict = context.options.validator->check(shown);
  if (!verdict) {
    const Error& error = verdict.error();
    return Error(error.code(), ErrorContext::server_certificate,
                 meeting.peer.host + (error.detail().empty() ? std::string() : ": " + error.detail()));
  }
  if (digest) context.acceptances.add(key);
  return {};
}

/// Takes the place of OpenSSL's own verification, and ends with it.
int verify_chain(X509_STORE_CTX* verification, void*) {
  TlsSession::Meeting* meeting = meeting_of(verification);
  if (!meeting) return 0;
  const TlsOptions& options = native_of(*meeting).options;
  Revocations lists;
  if (options.check_revocation) {
    lists = read_revocations(options.revocation_lists);
    X509_STORE_CTX_set0_crls(verification, lists.get());
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(verification),
                                X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  X509_STORE_CTX_set_verify_cb(verification, judge_flaw);
  const int good = X509_verify_cert(verification);
  if (lists) X509_STORE_CTX_set0_crls(verification, nullptr);
  if (good <= 0) return 0;

  X509* own = X509_STORE_CTX_get0_cert(verification);
  Result<void> accepted;
  try {  // Nothing of the host's may be thrown through OpenSSL.
    accepted = check_pins(*meeting, own);
    if (accepted) accepted = ask_validator(*meeting, verification, own);
  } catch (const std::exception& error) {
    accepted = Error(Errc::invalid_argument, ErrorContext::server_certificate,
                     std::string("the certificate validator threw: ") + error.what());
  } catch (...) {
    accepted = Error(Errc::invalid_argument, ErrorContext::server_certificate, "the certificate validator threw");
  }
  if (accepted) return 1;
  meeting->failure = accepted.error();
  X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

/// The server wants to know who we are.
int show_certificate(SSL* ssl, void*) {
  TlsSession::Meeting* meeting = meeting_of(ssl);
  if (!meeting) return 0;
  meeting->asked_for_certificate = true;
  OpenSslContext& context = native_of(*meeting);
  std::optional<ClientIdentity> handed;
  if (context.options.client_source) {
    Result<std::string> pem = Error(Errc::client_certificate_unusable, ErrorContext::transport);
    try {
      pem = context.options.client_source->pem_for(meeting->peer.host);
    } catch (...) {
      pem = tls_error(Errc::client_certificate_unusable, "the client certificate source threw");
    }
    if (!pem) {
      meeting->failure = pem.error();
      return 0;
    }
    if (pem->empty()) return 1;
    try {
      Result<ClientIdentity> parsed = ClientIdentity::parse(*pem, "the client certificate source");
      if (parsed) {
        handed = *std::move(parsed);
      } else {
        meeting->failure = parsed.error();
      }
    } catch (...) {
      meeting->failure = Error(std::make_error_code(std::errc::not_enough_memory), ErrorContext::transport);
    }
    if (!handed) return 0;
  }
  const ClientIdentity* identity = handed ? &*handed : context.identity ? &*context.identity : nullptr;
  if (!identity) return 1;
  meeting->showed_certificate = identity->use_on(ssl);
  if (meeting->showed_certificate) return 1;
  meeting->failure = tls_error(Errc::client_certificate_unusable, "OpenSSL refuses the client certificate or its key");
  return 0;
}

/// The alerts with which servers turn a client's certificate down.
bool is_certificate_alert(int reason) noexcept {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return true;
    default: return false;
  }
}

int clamped_size(std::size_t size) noexcept {
  constexpr std::size_t size_max = std::numeric_limits<int>::max();
  return static_cast<int>(size < size_max ? size : size_max);
}

}  // namespace

TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::filesystem::path& ca_bundle,
                                                     const TlsOptions& options) {
  auto context = std::make_shared<OpenSslContext>();
  context->options = options;
  context->native.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* native = context->native.get();
  if (!native || !socket_bio_method()) return tls_error(Errc::tls_failed, "OpenSSL cannot be set up");

  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  if (SSL_CTX_get_security_level(native) < 2) SSL_CTX_set_security_level(native, 2);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(native, verify_chain, nullptr);
  SSL_CTX_set_cert_cb(native, show_certificate, nullptr);
  // A resumed session is not verified again, which is the point of a revocation check.
  if (!options.check_revocation) {
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native, keep_session);
  }
  SSL_CTX_set_read_ahead(native, 1);
  SSL_CTX_set_default_read_buffer_len(native, tls_read_buffer_bytes);

  ERR_clear_error();
  const int loaded = ca_bundle.empty() ? SSL_CTX_set_default_verify_paths(native)
                                       : SSL_CTX_load_verify_file(native, ca_bundle.c_str());
  if (loaded != 1) {
    const std::string source = ca_bundle.empty() ? "the system's trust store" : ca_bundle.string();
    std::string detail = "certificates cannot be read from " + source + ": " + tls_reason(ERR_peek_last_error());
    ERR_clear_error();
    return tls_error(Errc::certificate_untrusted, std::move(detail));
  }
  if (!options.extra_authorities.empty() && SSL_CTX_load_verify_file(native, options.extra_authorities.c_str()) != 1) {
    std::string detail = "certificates cannot be read from " + options.extra_authorities.string() + ": " +
                         tls_reason(ERR_peek_last_error());
    ERR_clear_error();
    return tls_error(Errc::certificate_untrusted, std::move(detail));
  }
  if (!options.client.file.empty() && !options.client_source) {
    Result<ClientIdentity> identity = ClientIdentity::read(options.client);
    if (!identity) return identity.error();
    context->identity = *std::move(identity);
  }
  return std::shared_ptr<TlsContext>(std::move(context));
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(std::shared_ptr<TlsContext> context, int socket,
                                                     const Origin& peer) {
  const auto shared = std::static_pointer_cast<OpenSslContext>(std::move(context));
  SSL* ssl = SSL_new(shared->native.get());
  BIO* bio = ssl ? BIO_new(socket_bio_method()) : nullptr;
  if (!bio) {
    SSL_free(ssl);
    return tls_error(Errc::tls_failed, "OpenSSL has no memory for a connection");
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);

  // A session goes only to the very origin that gave it.
  auto meeting = std::make_unique<Meeting>(shared, peer);
  const std::string key = meeting->key();
  SSL_set_ex_data(ssl, meeting_index(), meeting.get());
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(meeting), ssl));

  bool named = expect_host(SSL_get0_param(ssl), peer.host);
  asio::error_code not_an_address;
  asio::ip::make_address(peer.host, not_an_address);
  if (named && not_an_address) named = SSL_set_tlsext_host_name(ssl, peer.host.c_str()) == 1;
  if (!named) return tls_error(Errc::tls_failed, "OpenSSL refuses the host name " + peer.host);

  if (const SslSessionPointer earlier = shared->sessions.find(key)) SSL_set_session(ssl, earlier.get());
  SSL_set_connect_state(ssl);
  return session;
}

TlsSession::TlsSession(std::unique_ptr<Meeting> meeting, ssl_st* ssl) : meeting_(std::move(meeting)), ssl_(ssl) {}

TlsSession::~TlsSession() { SSL_free(ssl_); }

Result<TlsSession::Step> TlsSession::handshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) return Step{};
  switch (const int code = SSL_get_error(ssl_, outcome)) {
    case SSL_ERROR_WANT_READ: return Step{Want::read, 0};
    case SSL_ERROR_WANT_WRITE: return Step{Want::write, 0};
    default:
      // What the server rejected once it may reject for ever.
      native_of(*meeting_).sessions.forget(meeting_->key());
      return fail(code);
  }
}

Result<TlsSession::Step> TlsSession::read(std::span<std::byte> into) {
  if (failure_) return *failure_;
  std::size_t filled = 0;
  while (filled < into.size()) {
    ERR_clear_error();
    const int count = SSL_read(ssl_, into.data() + filled, clamped_size(into.size() - filled));
    if (count > 0) {
      filled += static_cast<std::size_t>(count);
      continue;
    }
    // What arrived is delivered now; the same condition shows again at the next call.
    const int code = SSL_get_error(ssl_, count);
    if (code == SSL_ERROR_WANT_READ) return Step{filled ? Want::nothing : Want::read, filled};
    if (code == SSL_ERROR_WANT_WRITE) return Step{filled ? Want::nothing : Want::write, filled};
    if (code == SSL_ERROR_ZERO_RETURN) return Step{Want::nothing, filled};
    const Error& error = fail(code);
    if (filled) return Step{Want::nothing, filled};
    return error;
  }
  return Step{Want::nothing, filled};
}

Result<TlsSession::Step> TlsSession::write(std::span<const std::byte> bytes) {
  if (failure_) return *failure_;
  ERR_clear_error();
  const int count = SSL_write(ssl_, bytes.data(), clamped_size(bytes.size()));
  if (count > 0) return Step{Want::nothing, static_cast<std::size_t>(count)};
  switch (const int code = SSL_get_error(ssl_, count)) {
    case SSL_ERROR_WANT_READ: return Step{Want::read, 0};
    case SSL_ERROR_WANT_WRITE: return Step{Want::write, 0};
    default: return fail(code);
  }
}

bool TlsSession::quiet() noexcept {
  if (failure_) return false;
  char byte = 0;
  ERR_clear_error();
  const int count = SSL_peek(ssl_, &byte, 1);  // Also takes in session tickets that came after the last response.
  if (count <= 0 && SSL_get_error(ssl_, count) == SSL_ERROR_WANT_READ) return true;
  ERR_clear_error();
  return false;
}

void TlsSession::shut_down() noexcept {
  if (failure_ || !SSL_is_init_finished(ssl_)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

const Error& TlsSession::fail(int code) {
  const int system_error = errno;
  const unsigned long reason = ERR_peek_error();
  // A signature that is wrong is told by other libraries first, and by TLS last.
  const unsigned long last = ERR_peek_last_error();
  ERR_clear_error();
  const std::string& host = meeting_->peer.host;
  const bool by_tls = ERR_GET_LIB(reason) == ERR_LIB_SSL;
  if (meeting_->failure) {
    failure_ = *meeting_->failure;
  } else if (by_tls && meeting_->asked_for_certificate && is_certificate_alert(ERR_GET_REASON(reason))) {
    const bool shown = meeting_->showed_certificate;
    failure_ = tls_error(shown ? Errc::client_certificate_refused : Errc::client_certificate_needed,
                         host + ": " + tls_reason(reason));
  } else if (ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long verdict = SSL_get_verify_result(ssl_);
    failure_ = tls_error(certificate_error(verdict), host + ": " + X509_verify_cert_error_string(verdict));
  } else if (by_tls && ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    failure_ = tls_error(Errc::connection_closed, host + ": the connection ended without TLS's closing message");
  } else if (code == SSL_ERROR_SYSCALL && system_error != 0) {
    failure_ = Error(std::error_code(system_error, std::system_category()), ErrorContext::transport, host);
  } else {
    failure_ = tls_error(Errc::tls_failed, host + ": " + tls_reason(reason));
  }
  return *failure_;
}

}  // namespace bgxfer::inline v0::http::detail
