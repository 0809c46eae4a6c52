#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"
#include "support/tls_authority.hpp"

using namespace std::chrono_literals;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;
using bgxfer::Errc;
using bgxfer::RedirectMode;
using bgxfer::Request;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;

namespace {

/// A server that remembers everything that it was told: the oracle.
class Recorder {
 public:
  explicit Recorder(SSL_CTX* tls, std::string challenge)
      : server_(
            [this, challenge = std::move(challenge)](Peer& peer, int) {
              for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
                {
                  const std::lock_guard lock(mutex_);
                  all_ += head;
                }
                // Whoever can be made to answer a challenge is asked; the others get what they came for.
                const bool ask = !challenge.empty() && head.find("uthorization") == std::string::npos;
                if (!peer.write(ask ? "HTTP/1.1 401 No\r\nWWW-Authenticate: " + challenge +
                                          "\r\nContent-Length: 0\r\n\r\n"
                                    : ok("taken"))) {
                  return;
                }
              }
            },
            tls) {}
  [[nodiscard]] const ScriptServer& server() const { return server_; }
  [[nodiscard]] std::string take_all() {
    const std::lock_guard lock(mutex_);
    return std::exchange(all_, {});
  }

 private:
  std::mutex mutex_;
  std::string all_;
  ScriptServer server_;
};

/// A kind of secret, and what would betray it.
struct Secret {
  const char* name;
  void (*give)(Request&);
  const char* trace;
};

Credentials of_server(CredentialScheme scheme) {
  return Credentials{CredentialTarget::server, scheme, "marker-user", "marker-secret"};
}

// clang-format off
const Secret secrets[] = {
    {"authorization", [](Request& r) { r.headers = {{"Authorization", "Bearer marker-secret"}}; }, "marker-secret"},
    {"odd case", [](Request& r) { r.headers = {{"aUTHORIZATION", "Bearer marker-secret"}}; }, "marker-secret"},
    {"cookie", [](Request& r) { r.headers = {{"Cookie", "id=marker-secret"}}; }, "marker-secret"},
    {"own header", [](Request& r) { r.headers = {{"X-Api-Key", "marker-secret"}, {"Accept", "text/x"}}; }, "marker-secret"},
    {"basic", [](Request& r) { r.credentials = {of_server(CredentialScheme::basic)}; }, "Basic "},
    {"digest", [](Request& r) { r.credentials = {of_server(CredentialScheme::digest)}; }, "Digest "},
    {"bearer", [](Request& r) { r.credentials = {of_server(CredentialScheme::bearer)}; }, "marker-secret"},
};
// clang-format on

}  // namespace

TEST_CASE("redirect matrix: no secret leaves its origin, whatever the scheme, host, port, status and kind of secret") {
  const http_test::TlsAuthority authority;
  const http_test::ServerTls tls = authority.server();
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  options.environment_proxies = false;
  options.ca_bundle = authority.file();

  const std::string challenge = "Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\", qop=auth";
  Recorder plain(nullptr, challenge), secure(tls.get(), challenge);
  int cases = 0, leaks = 0, carried = 0;
  std::mutex mutex;
  std::string location;
  int status = 0;
  for (bool from_tls : {false, true}) {
    // The first server: sends elsewhere whoever proves himself, and remembers whether he did.
    std::string told;
    ScriptServer first(
        [&](Peer& peer, int) {
          for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
            const std::lock_guard lock(mutex);
            told += head;
            const bool asked_back = head.starts_with("GET /back");
            const bool proven =
                head.find("uthorization") != std::string::npos || head.find("marker-secret") != std::string::npos;
            const std::string answer =
                asked_back ? ok("back")
                : proven   ? "HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + location +
                               "\r\nContent-Length: 0\r\n\r\n"
                         : "HTTP/1.1 401 No\r\nWWW-Authenticate: " + challenge + "\r\nContent-Length: 0\r\n\r\n";
            if (!peer.write(answer)) return;
          }
        },
        from_tls ? tls.get() : nullptr);
    for (bool to_tls : {false, true}) {
      for (const char* host : {"127.0.0.1", "localhost"}) {
        for (int code : {301, 302, 303, 307, 308}) {
          for (const Secret& secret : secrets) {
            for (bool same_origin : {false, true}) {
              CAPTURE(secret.name);
              CAPTURE(code);
              Recorder& target = to_tls ? secure : plain;
              {
                const std::lock_guard lock(mutex);
                status = code;
                location = same_origin ? "/back" : target.server().url("/elsewhere", host);
                told.clear();
              }
              Request request(first.url());
              request.redirects.allow_https_to_http = true;
              request.credentials_without_tls = true;
              request.proxy.usage = bgxfer::ProxyUsage::none;
              secret.give(request);
              const Outcome outcome = fetch(bgxfer::http::make_transport(options), std::move(request));
              const std::string arrived = target.take_all();
              ++cases;
              if (same_origin) {
                CHECK(outcome.body == "back");
                const std::lock_guard lock(mutex);
                const std::size_t back = told.find("GET /back");
                REQUIRE(back != std::string::npos);
                carried += told.find(secret.trace, back) != std::string::npos;
                continue;
              }
              CHECK(arrived.find("GET /elsewhere") != std::string::npos);
              for (const char* trace : {"marker", "uthorization", "Cookie", "X-Api-Key"}) {
                leaks += arrived.find(trace) != std::string::npos;
              }
            }
          }
        }
      }
    }
  }
  MESSAGE("redirect matrix: ", cases, " cases, ", leaks, " leaks");
  CHECK(cases >= 200);
  CHECK(leaks == 0);
  CHECK(carried == cases / 2);  // The oracle is no oracle if it never sees a secret.
}

TEST_CASE("spec 3.9: a job that refuses redirects fails with the redirect's status, and says where it leads") {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  ScriptServer target(http_test::always(ok("x")));
  for (int status : {301, 302, 303, 307, 308}) {
    ScriptServer server(http_test::always("HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " +
                                          target.url("/there?secret") + "\r\nContent-Length: 0\r\n\r\n"));
    Request request(server.url());
    request.redirects.mode = RedirectMode::refuse;
    request.refused_redirect = std::make_shared<std::string>();
    const std::shared_ptr<std::string> leads_to = request.refused_redirect;
    const Outcome outcome = fetch(bgxfer::http::make_transport(options), std::move(request));
    CHECK(outcome.code() == bgxfer::http_status(status));
    CHECK(outcome.error->detail().find("leads to " + target.url("/there")) != std::string::npos);
    CHECK(outcome.error->message().find("secret") == std::string::npos);
    CHECK(*leads_to == target.url("/there?secret"));  // For `File::url`, which errors are not.
  }
  CHECK(target.connections() == 0);
}

TEST_CASE("a client certificate is not shown to the target of a redirect") {
  // The certificate is in the request's options; the hop to another origin drops it before anything is connected.
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  const http_test::TlsAuthority authority;
  options.ca_bundle = authority.file();
  const std::filesystem::path file = authority.file().string() + ".client";
  authority.write_client(file, false, "");
  http_test::ServerTls asking = authority.server();
  SSL_CTX_set_max_proto_version(asking.get(), TLS1_2_VERSION);
  SSL_CTX_load_verify_file(asking.get(), authority.file().c_str());
  SSL_CTX_set_verify(asking.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ScriptServer target(http_test::always(ok("welcome")), asking.get());
  ScriptServer first(
      http_test::always("HTTP/1.1 302 Go\r\nLocation: " + target.url() + "\r\nContent-Length: 0\r\n\r\n"),
      asking.get());
  Request request(first.url());
  request.tls.client.file = file;
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), std::move(request));
  std::filesystem::remove(file);
  CHECK(outcome.code() == Errc::client_certificate_needed);
}
