#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "contract/transport_contract.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"
#include "support/tls_authority.hpp"

using namespace std::chrono_literals;
using bgxfer::Errc;
using bgxfer::Request;
using http_test::always;
using http_test::CertificateWish;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;
using http_test::ServerTls;

namespace {

const http_test::TlsAuthority& authority() {
  static const http_test::TlsAuthority made;
  return made;
}

bgxfer::http::TransportOptions trusting() {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  options.ca_bundle = authority().file();
  return options;
}

/// Fetches from a server with such a certificate.
Outcome fetch_from(const CertificateWish& wish, std::string_view host = "127.0.0.1") {
  const ServerTls tls = authority().server(wish);
  ScriptServer server(always(ok("secret")), tls.get());
  return fetch(bgxfer::http::make_transport(trusting()), server.url("/file", host));
}

}  // namespace

TEST_CASE("a verified server is spoken to") {
  CHECK(fetch_from({}).body == "secret");
  CHECK(fetch_from({}, "localhost").body == "secret");
}

TEST_CASE("a certificate that proves too little is refused, with its own word and the host in the detail") {
  struct Case {
    CertificateWish wish;
    const char* host;
    Errc code;
  };
  std::vector<Case> cases;
  const auto add = [&cases](Errc code, const char* host, auto edit) {
    CertificateWish wish;
    edit(wish);
    cases.push_back(Case{wish, host, code});
  };
  add(Errc::certificate_expired, "127.0.0.1", [](CertificateWish& w) { w.valid_until_seconds = -10; });
  add(Errc::certificate_expired, "127.0.0.1", [](CertificateWish& w) { w.valid_from_seconds = 600; });
  add(Errc::certificate_wrong_host, "127.0.0.1", [](CertificateWish& w) { w.names = "IP:127.0.0.2"; });
  add(Errc::certificate_wrong_host, "127.0.0.1", [](CertificateWish& w) { w.names = "DNS:127.0.0.1"; });
  add(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:example.org"; });
  add(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:local*"; });
  add(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) { w.names = "DNS:*"; });
  add(Errc::certificate_wrong_host, "localhost", [](CertificateWish& w) {
    w.names = "";
    w.common_name = "localhost";
  });
  add(Errc::certificate_wrong_usage, "127.0.0.1", [](CertificateWish& w) { w.usage = "clientAuth"; });
  add(Errc::certificate_untrusted, "127.0.0.1", [](CertificateWish& w) { w.self_signed = true; });
  for (const Case& row : cases) {
    CAPTURE(row.wish.names);
    CAPTURE(std::error_code(row.code).message());
    const Outcome outcome = fetch_from(row.wish, row.host);
    REQUIRE(outcome.error);
    CHECK(outcome.code() == row.code);
    CHECK(outcome.error->detail().find(row.host) != std::string::npos);
    CHECK(outcome.error->context() == bgxfer::ErrorContext::transport);
  }
}

TEST_CASE("the system does not trust the test's authority") {
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok("secret")), tls.get());
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), server.url());
  CHECK(outcome.code() == Errc::certificate_untrusted);
}

TEST_CASE("TLS before 1.2 is refused") {
  const ServerTls tls = authority().server();
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(tls.get(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(tls.get(), 0);
  ScriptServer server(always(ok("secret")), tls.get());
  CHECK(fetch(bgxfer::http::make_transport(trusting()), server.url()).code() == Errc::tls_failed);
}

TEST_CASE("a plain server on a TLS port is a TLS failure") {
  ScriptServer server([](Peer& peer, int) {
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.wait_for_client();
  });
  std::string url = server.url();
  url.insert(4, "s");
  CHECK(fetch(bgxfer::http::make_transport(trusting()), url).code() == Errc::tls_failed);
}

TEST_CASE("a server that never shakes hands is given up after the connect timeout") {
  ScriptServer server([](Peer& peer, int) {
    for (;;) {
      if (peer.read_exactly(1).empty()) return;
    }
  });
  std::string url = server.url();
  url.insert(4, "s");
  bgxfer::http::TransportOptions options = trusting();
  options.connect_timeout = 50ms;
  CHECK(fetch(bgxfer::http::make_transport(options), url).code() == Errc::connect_timeout);
}

TEST_CASE("over TLS only the closing message ends a body without length") {
  for (bool cut : {false, true}) {
    CAPTURE(cut);
    const ServerTls tls = authority().server();
    ScriptServer server(
        [cut](Peer& peer, int) {
          peer.read_head();
          peer.write("HTTP/1.1 200 OK\r\n\r\nsome");
          peer.skip_close_notify = cut;
        },
        tls.get());
    const Outcome outcome = fetch(bgxfer::http::make_transport(trusting()), server.url());
    CHECK(outcome.body == "some");
    CHECK(outcome.code() == (cut ? std::error_code(Errc::body_truncated) : std::error_code()));
  }
}

TEST_CASE("a body whose length is satisfied needs no closing message") {
  const ServerTls tls = authority().server();
  ScriptServer server(
      [](Peer& peer, int) {
        peer.read_head();
        peer.write(ok("whole"));
        peer.skip_close_notify = true;
      },
      tls.get());
  const Outcome outcome = fetch(bgxfer::http::make_transport(trusting()), server.url());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.body == "whole");
}

TEST_CASE("sessions are resumed within one transport, and only there") {
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok("x")), tls.get());
  const auto transport = bgxfer::http::make_transport(trusting());
  CHECK(fetch(transport, server.url()).body == "x");
  CHECK(SSL_CTX_sess_hits(tls.get()) == 0);
  CHECK(fetch(transport, server.url()).body == "x");
  CHECK(SSL_CTX_sess_hits(tls.get()) == 1);
  CHECK(fetch(bgxfer::http::make_transport(trusting()), server.url()).body == "x");
  CHECK(SSL_CTX_sess_hits(tls.get()) == 1);
  CHECK(server.connections() == 3);
}

TEST_CASE("a large body over TLS arrives whole, and the connection is kept") {
  std::string text(3'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 3);
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok(text)), tls.get());
  const auto transport = bgxfer::http::make_transport(trusting());
  asio::io_context io;
  Outcome first, second;
  asio::co_spawn(
      io,
      [](auto shared, std::string url, Outcome& a, Outcome& b) -> asio::awaitable<void> {
        co_await http_test::fetch_into(shared, Request(url), a);
        co_await http_test::fetch_into(shared, Request(url), b);
      }(transport, server.url(), first, second),
      http_test::rethrow);
  io.run();
  CHECK(first.body == text);
  CHECK(second.body == text);
  CHECK(server.connections() == 1);
}

TEST_CASE("https does not lead to http unless allowed") {
  ScriptServer plain(always(ok("plain")));
  const ServerTls tls = authority().server();
  ScriptServer server(always("HTTP/1.1 302 Found\r\nLocation: " + plain.url() + "\r\nContent-Length: 0\r\n\r\n"),
                      tls.get());
  const auto transport = bgxfer::http::make_transport(trusting());
  CHECK(fetch(transport, server.url()).code() == Errc::redirect_refused);
  CHECK(plain.connections() == 0);
  Request allowed(server.url());
  allowed.redirects.allow_https_to_http = true;
  CHECK(fetch(transport, std::move(allowed)).body == "plain");
}

TEST_CASE("an unreadable CA bundle is named") {
  bgxfer::http::TransportOptions options = trusting();
  options.ca_bundle = "/nonexistent/ca.pem";
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok("x")), tls.get());
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), server.url());
  REQUIRE(outcome.error);
  CHECK(outcome.code() == Errc::certificate_untrusted);
  CHECK(outcome.error->detail().find("/nonexistent/ca.pem") != std::string::npos);
}
