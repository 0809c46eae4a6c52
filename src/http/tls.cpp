#include "tls.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <list>
#include <mutex>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <asio/ip/address.hpp>

#include "certificate.hpp"

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
    case BIO_CTRL_DUP:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
      return 0;
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

class OpenSslContext final : public TlsContext {
 public:
  std::unique_ptr<SSL_CTX, FreeSslContext> native{};
  SessionStore sessions{};
};

int context_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// The session key hangs on the SSL as a `std::string*` owned by the `TlsSession`.
int key_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* context = static_cast<OpenSslContext*>(SSL_get_ex_data(ssl, context_index()));
  const auto* key = static_cast<const std::string*>(SSL_get_ex_data(ssl, key_index()));
  if (!context || !key) return 0;
  context->sessions.keep(*key, SslSessionPointer(session));
  return 1;  // The reference is ours now.
}

int clamped_size(std::size_t size) noexcept {
  constexpr std::size_t size_max = std::numeric_limits<int>::max();
  return static_cast<int>(size < size_max ? size : size_max);
}

}  // namespace

TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::filesystem::path& ca_bundle) {
  auto context = std::make_shared<OpenSslContext>();
  context->native.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* native = context->native.get();
  if (!native || !socket_bio_method()) return tls_error(Errc::tls_failed, "OpenSSL cannot be set up");

  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  if (SSL_CTX_get_security_level(native) < 2) SSL_CTX_set_security_level(native, 2);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(native, keep_session);
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
  return std::shared_ptr<TlsContext>(std::move(context));
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(std::shared_ptr<TlsContext> context, int socket,
                                                     const Origin& peer) {
  auto* shared = static_cast<OpenSslContext*>(context.get());
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
  std::unique_ptr<TlsSession> session(
      new TlsSession(std::move(context), ssl, peer.host + ":" + std::to_string(peer.port)));
  SSL_set_ex_data(ssl, context_index(), shared);
  SSL_set_ex_data(ssl, key_index(), &session->host_);

  bool named = expect_host(SSL_get0_param(ssl), peer.host);
  asio::error_code not_an_address;
  asio::ip::make_address(peer.host, not_an_address);
  if (named && not_an_address) named = SSL_set_tlsext_host_name(ssl, peer.host.c_str()) == 1;
  if (!named) return tls_error(Errc::tls_failed, "OpenSSL refuses the host name " + peer.host);

  if (const SslSessionPointer earlier = shared->sessions.find(session->host_)) SSL_set_session(ssl, earlier.get());
  SSL_set_connect_state(ssl);
  return session;
}

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, ssl_st* ssl, std::string host)
    : context_(std::move(context)), ssl_(ssl), host_(std::move(host)) {}

TlsSession::~TlsSession() { SSL_free(ssl_); }

Result<TlsSession::Step> TlsSession::handshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) return Step{};
  switch (const int code = SSL_get_error(ssl_, outcome)) {
    case SSL_ERROR_WANT_READ:
      return Step{Want::read, 0};
    case SSL_ERROR_WANT_WRITE:
      return Step{Want::write, 0};
    default:
      // What the server rejected once it may reject for ever.
      static_cast<OpenSslContext*>(context_.get())->sessions.forget(host_);
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
    case SSL_ERROR_WANT_READ:
      return Step{Want::read, 0};
    case SSL_ERROR_WANT_WRITE:
      return Step{Want::write, 0};
    default:
      return fail(code);
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
  ERR_clear_error();
  const std::string host = host_.substr(0, host_.rfind(':'));
  const bool by_tls = ERR_GET_LIB(reason) == ERR_LIB_SSL;
  if (by_tls && ERR_GET_REASON(reason) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
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
