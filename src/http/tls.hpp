#ifndef BGXFER_HTTP_TLS_HPP
#define BGXFER_HTTP_TLS_HPP

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <bgxfer/http_options.hpp>
#include <bgxfer/result.hpp>

#include "url.hpp"

struct ssl_st;

namespace bgxfer::inline v0::http::detail {

/// Settings and sessions that the TLS connections with the same `TlsOptions` share. Any thread.
///
/// TLS 1.2 or later, certificates verified against the system's trust store or a file in its place, host names and
/// addresses by RFC 6125 without partial wildcards and without falling back to the subject. What the options accept
/// beyond that is accepted for itself alone: a certificate that is expired and of another host needs both.
class TlsContext {
 public:
  /// How many hosts' sessions are kept for resumption.
  static constexpr std::size_t sessions_max = 64;

  /// `ca_bundle` is a PEM file; empty: the system's trust store. Reads the other files that `options` name.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> make(const std::filesystem::path& ca_bundle,
                                                                const TlsOptions& options);

  virtual ~TlsContext();

 protected:
  TlsContext() = default;
};

/// One TLS connection over a connected non-blocking socket, which it does not own. Used by one coroutine at a time.
///
/// OpenSSL reads and writes the socket itself: a record is decrypted out of the buffer that `recv` filled, straight
/// into the caller's.
class TlsSession {
 public:
  struct Meeting;

  enum class Want { nothing, read, write };
  struct Step {
    Want want = Want::nothing;  ///< What the socket must become before the call is repeated.
    std::size_t bytes = 0;      ///< Moved by this call. With `Want::nothing`, 0 read is the peer's close_notify.
  };

  [[nodiscard]] static Result<std::unique_ptr<TlsSession>> make(std::shared_ptr<TlsContext> context, int socket,
                                                                const Origin& peer);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// One step of the handshake. Certificate errors are `certificate_*` with the host and the reason in the detail.
  [[nodiscard]] Result<Step> handshake();
  /// Reads until `into` is full or the socket has no more. Bytes that arrived before a failure are delivered first.
  [[nodiscard]] Result<Step> read(std::span<std::byte> into);
  [[nodiscard]] Result<Step> write(std::span<const std::byte> bytes);
  /// True if nothing but session tickets has arrived since the last read.
  [[nodiscard]] bool quiet() noexcept;
  /// Says goodbye if that is possible without waiting.
  void shut_down() noexcept;

 private:
  TlsSession(std::unique_ptr<Meeting> meeting, ssl_st* ssl);

  const Error& fail(int code);

  std::unique_ptr<Meeting> meeting_;  // What OpenSSL's callbacks know of this connection.
  ssl_st* ssl_;
  std::optional<Error> failure_{};  // After a fatal error OpenSSL forbids everything, even the shutdown.
};

}  // namespace bgxfer::inline v0::http::detail

#endif
