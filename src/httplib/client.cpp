#include "client.hpp"

#include <exception>
#include <functional>
#include <string>
#include <utility>

#include <httplib.h>
#include <openssl/ssl.h>
#include <asio/error.hpp>

#include "../http/certificate.hpp"
#include "filter.hpp"
#include "wire.hpp"

#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT)
#error "bgxfer::httplib needs cpp-httplib with CPPHTTPLIB_OPENSSL_SUPPORT: an https URL must not fail for want of it."
#endif

namespace bgxfer::inline v0::httplib::detail {

namespace {

class FilteredStream final : public ::httplib::Stream {
 public:
  FilteredStream(Wire& wire, Filter& filter, std::chrono::milliseconds write_timeout)
      : wire_(wire), filter_(filter), write_timeout_(write_timeout) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) override {
    return filter_.read(std::as_writable_bytes(std::span(into, size)));
  }
  ssize_t write(const char* bytes, std::size_t size) override {
    const Wire::TimePoint deadline = std::chrono::steady_clock::now() + write_timeout_;
    const Result<std::size_t> count = wire_.write(std::as_bytes(std::span(bytes, size)), deadline);
    if (!count) failure_ = count.error();
    return count ? static_cast<ssize_t>(*count) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return wire_.socket(); }

  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  Wire& wire_;
  Filter& filter_;
  std::chrono::milliseconds write_timeout_;
  std::optional<Error> failure_{};
};

/// cpp-httplib's client, `Base`, whose conversation runs through the filter.
template <class Base>
class Client final : public Base {
 public:
  Client(Transfer& transfer, const TransportOptions& options)
      : Base(transfer.url.origin.host, transfer.url.origin.port), transfer_(transfer), options_(options) {}

  /// Why the conversation failed; empty if it did not, or never began.
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  // The one place where cpp-httplib lets go of the bare connection: before the first byte of the request.
  bool process_socket(const typename Base::Socket& socket, std::function<bool(::httplib::Stream&)> converse) override {
    Wire wire(static_cast<int>(socket.sock), socket.ssl);
    if (transfer_.handoff.abandoned()) return false;
    transfer_.public_peer = wire.public_peer();
    if (transfer_.public_only && !transfer_.public_peer) {
      failure_ = Error(Errc::blocked_address, ErrorContext::transport, "a redirect to a private address");
      return false;
    }
    Filter filter(transfer_, wire, options_);
    FilteredStream stream(wire, filter, options_.stall_timeout);
    const bool done = converse(stream);
    // A failed write explains more than the reading that it prevented.
    failure_ = stream.failure() ? stream.failure() : filter.failure();
    return done;
  }

  Transfer& transfer_;
  const TransportOptions& options_;
  std::optional<Error> failure_{};
};

/// cpp-httplib's word for what went wrong before the conversation. `had_socket`: the name had an address.
Error connect_failure(::httplib::Error cause, bool had_socket, const TransportOptions& options) {
  const auto failed = [](std::error_code code, std::string why) {
    return Error(code, ErrorContext::transport, std::move(why));
  };
  switch (cause) {
    case ::httplib::Error::Connection:
      if (!had_socket) return failed(asio::error::host_not_found, {});
      return failed(std::make_error_code(std::errc::host_unreachable), "cpp-httplib does not say why");
    case ::httplib::Error::ConnectionTimeout: return failed(Errc::connect_timeout, {});
    case ::httplib::Error::SSLConnection: return failed(Errc::tls_failed, "the handshake failed");
    case ::httplib::Error::SSLLoadingCerts:
      return failed(Errc::certificate_untrusted, "certificates cannot be read from " + options.ca_bundle.string());
    default: return failed(std::make_error_code(std::errc::io_error), "cpp-httplib: " + ::httplib::to_string(cause));
  }
}

::httplib::Request to_httplib(Transfer& transfer, const TransportOptions& options) {
  ::httplib::Request request;
  request.method = transfer.request.method;
  request.path = transfer.url.target();
  http::detail::HeadExtras extras;
  extras.user_agent = options.user_agent;
  for (Header& field : http::detail::request_fields(transfer.request, transfer.url, extras)) {
    request.headers.emplace(std::move(field.name), std::move(field.value));
  }
  request.content_receiver = [&transfer](const char* bytes, std::size_t count, std::uint64_t, std::uint64_t) {
    const std::span<const std::byte> payload = std::as_bytes(std::span(bytes, count));
    transfer.bytes.insert(transfer.bytes.end(), payload.begin(), payload.end());
    return true;
  };
  return request;
}

/// Sends the request with `client` and says how it ended; empty: the response is whole.
template <class Base>
std::optional<Error> converse(Client<Base>& client, Transfer& transfer, const TransportOptions& options) {
  client.set_connection_timeout(options.connect_timeout);
  client.set_tcp_nodelay(true);
  client.set_keep_alive(false);
  client.set_follow_location(false);
  client.set_decompress(false);
  client.set_url_encode(false);
  bool had_socket = false;
  client.set_socket_options([&transfer, &had_socket](socket_t socket) {
    had_socket = true;
    transfer.plug.hold(static_cast<int>(socket));
  });

  ::httplib::Request request = to_httplib(transfer, options);
  ::httplib::Response response;
  ::httplib::Error cause = ::httplib::Error::Success;
  // Some versions take the end of a stream for that of the body, whatever the filter says of it.
  if (client.send(request, response, cause) && !client.failure()) return std::nullopt;
  return client.failure() ? *client.failure() : connect_failure(cause, had_socket, options);
}

std::optional<Error> converse_in_clear(Transfer& transfer, const TransportOptions& options) {
  Client<::httplib::ClientImpl> client(transfer, options);
  return converse(client, transfer, options);
}

std::optional<Error> converse_in_tls(Transfer& transfer, const TransportOptions& options) {
  const std::string& host = transfer.url.origin.host;
  Client<::httplib::SSLClient> client(transfer, options);
  SSL_CTX* context = client.ssl_context();
  // cpp-httplib asks OpenSSL for its verdict, and then looks at names by more lenient rules. So OpenSSL looks at them.
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      !http::detail::expect_host(SSL_CTX_get0_param(context), host)) {
    return Error(Errc::tls_failed, ErrorContext::transport, "OpenSSL refuses the host name " + host);
  }
  if (!options.ca_bundle.empty()) client.set_ca_cert_path(options.ca_bundle.string());

  std::optional<Error> failure = converse(client, transfer, options);
  const long verdict = client.get_openssl_verify_result();
  if (failure && !client.failure() && verdict != X509_V_OK) {
    return Error(http::detail::certificate_error(verdict), ErrorContext::transport,
                 host + ": " + X509_verify_cert_error_string(verdict));
  }
  return failure;
}

}  // namespace

void run_transfer(Transfer& transfer, const TransportOptions& options) noexcept {
  if (!transfer.handoff.wait_for_question()) return;
  std::optional<Error> failure;
  try {
    failure = transfer.url.origin.secure ? converse_in_tls(transfer, options) : converse_in_clear(transfer, options);
  } catch (const std::exception& thrown) {
    failure = Error(std::make_error_code(std::errc::io_error), ErrorContext::transport, thrown.what());
  }
  transfer.plug.let_go();
  if (!transfer.handoff.wait_for_question()) return;
  transfer.ended = !failure;
  transfer.failure = std::move(failure);
  transfer.handoff.answer();
}

}  // namespace bgxfer::inline v0::httplib::detail
