#include <bgxfer/http/http_transport.hpp>

#include <stdlib.h>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"
#include "support/tls_authority.hpp"

using namespace std::chrono_literals;
using bgxfer::Errc;
using bgxfer::Request;
using bgxfer::TlsOptions;
using http_test::always;
using http_test::CertificateWish;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::ScriptServer;
using http_test::ServerTls;
using http_test::TlsAuthority;

namespace {

const TlsAuthority& authority() {
  static const TlsAuthority made;
  return made;
}

/// A folder for certificates and lists, until it dies.
class Folder {
 public:
  Folder() {
    char pattern[] = "/tmp/bgxfer-tls-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::shared_ptr<bgxfer::Transport> transport(bool trusting = true) {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  options.environment_proxies = false;
  if (trusting) options.ca_bundle = authority().file();
  return bgxfer::http::make_transport(options);
}

Outcome fetch_with(const std::shared_ptr<bgxfer::Transport>& shared, const std::string& url, const TlsOptions& tls) {
  Request request(url);
  request.tls = tls;
  return fetch(shared, std::move(request));
}

using Flag = bool TlsOptions::*;
const std::vector<Flag> all_flags = {&TlsOptions::ignore_unknown_authority, &TlsOptions::ignore_expired,
                                     &TlsOptions::ignore_wrong_host, &TlsOptions::ignore_wrong_usage};

struct Flaw {
  const char* name;
  Errc code;
  Flag cure;
  const char* host;
  std::function<void(CertificateWish&)> make;
};

const std::vector<Flaw>& flaws() {
  static const std::vector<Flaw> all = {
      {"expired", Errc::certificate_expired, &TlsOptions::ignore_expired, "127.0.0.1",
       [](CertificateWish& w) { w.valid_until_seconds = -10; }},
      {"not yet valid", Errc::certificate_expired, &TlsOptions::ignore_expired, "127.0.0.1",
       [](CertificateWish& w) { w.valid_from_seconds = 600; }},
      {"another address", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "127.0.0.1",
       [](CertificateWish& w) { w.names = "IP:127.0.0.2"; }},
      {"an address as a name", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "127.0.0.1",
       [](CertificateWish& w) { w.names = "DNS:127.0.0.1"; }},
      {"another host", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:example.org"; }},
      {"a partial wildcard", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:local*"; }},
      {"a bare wildcard", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:*"; }},
      {"a wildcard below", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:*.localhost"; }},
      {"a wildcard inside a label", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:lo*st"; }},
      {"a wildcard before a label's end", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "DNS:*host"; }},
      {"a wildcard for addresses", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "127.0.0.1",
       [](CertificateWish& w) { w.names = "DNS:*.0.0.1"; }},
      {"an address for a name", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) { w.names = "IP:127.0.0.1"; }},
      {"common name only, an address", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "127.0.0.1",
       [](CertificateWish& w) {
         w.names = "";
         w.common_name = "127.0.0.1";
       }},
      {"common name beside other names", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) {
         w.names = "DNS:example.org";
         w.common_name = "localhost";
       }},
      {"common name only", Errc::certificate_wrong_host, &TlsOptions::ignore_wrong_host, "localhost",
       [](CertificateWish& w) {
         w.names = "";
         w.common_name = "localhost";
       }},
      {"for clients only", Errc::certificate_wrong_usage, &TlsOptions::ignore_wrong_usage, "127.0.0.1",
       [](CertificateWish& w) { w.usage = "clientAuth"; }},
      {"self-signed", Errc::certificate_untrusted, &TlsOptions::ignore_unknown_authority, "127.0.0.1",
       [](CertificateWish& w) { w.self_signed = true; }},
  };
  return all;
}

}  // namespace

TEST_CASE("spec 3.9: every flaw is refused, accepted with its own flag, and with no other") {
  int cases = 0;
  for (const Flaw& flaw : flaws()) {
    CAPTURE(flaw.name);
    CertificateWish wish;
    flaw.make(wish);
    const ServerTls tls = authority().server(wish);
    ScriptServer server(always(ok("secret")), tls.get());
    const std::string url = server.url("/file", flaw.host);
    const auto shared = transport();
    CHECK(fetch_with(shared, url, {}).code() == flaw.code);
    for (Flag flag : all_flags) {
      TlsOptions options;
      options.*flag = true;
      const Outcome outcome = fetch_with(shared, url, options);
      CHECK((outcome.body == "secret") == (flag == flaw.cure));
      CHECK((outcome.code() == flaw.code) == (flag != flaw.cure));
      ++cases;
    }
    // What one job accepted is neither kept for, nor resumed by, another.
    CHECK(fetch_with(shared, url, {}).code() == flaw.code);
  }
  MESSAGE("TLS matrix: ", flaws().size(), " flaws, ", cases, " cases with a flag");
}

TEST_CASE("a wildcard stands for one label at the left end, below two others, and for nothing else") {
  // Names that no resolver here knows are reached through a tunnel, whose other end they mean.
  struct Case {
    const char* names;
    const char* host;
    bool good;
  };
  for (const Case& row :
       {Case{"DNS:*.example.org", "a.example.org", true}, Case{"DNS:*.EXAMPLE.org", "A.example.ORG", true},
        Case{"DNS:example.org,DNS:*.example.org", "example.org", true}, Case{"DNS:*.example.org", "example.org", false},
        Case{"DNS:*.example.org", "b.a.example.org", false}, Case{"DNS:*.example.org", "a.example.com", false},
        Case{"DNS:*.org", "example.org", false}, Case{"DNS:a.*.org", "a.example.org", false},
        Case{"DNS:*.*.org", "a.example.org", false}, Case{"DNS:a*.example.org", "ab.example.org", false},
        Case{"DNS:*b.example.org", "ab.example.org", false}, Case{"DNS:*.example.org", "a.example.org.evil", false},
        Case{"DNS:*", "a.example.org", false}}) {
    CAPTURE(row.names);
    CAPTURE(row.host);
    CertificateWish wish;
    wish.names = row.names;
    const ServerTls tls = authority().server(wish);
    ScriptServer server(always(ok("secret")), tls.get());
    ScriptServer proxy([&server](http_test::Peer& peer, int) {
      peer.read_head();
      peer.write("HTTP/1.1 200 Go\r\n\r\n");
      peer.splice_to(server.port());
    });
    Request request(std::string("https://") + row.host + "/file");
    request.proxy.usage = bgxfer::ProxyUsage::listed;
    request.proxy.list = "127.0.0.1:" + std::to_string(proxy.port());
    const Outcome outcome = fetch(transport(), request);
    CHECK((outcome.body == "secret") == row.good);
    if (!row.good) CHECK(outcome.code() == Errc::certificate_wrong_host);
    request.tls.ignore_wrong_host = true;
    CHECK(fetch(transport(), request).body == "secret");
  }
}

TEST_CASE("spec 3.9: two flaws need two flags") {
  CertificateWish wish;
  wish.valid_until_seconds = -10;
  wish.names = "DNS:example.org";
  const ServerTls tls = authority().server(wish);
  ScriptServer server(always(ok("secret")), tls.get());
  TlsOptions options;
  options.ignore_expired = true;
  CHECK(fetch_with(transport(), server.url(), options).code() == Errc::certificate_wrong_host);
  options.ignore_wrong_host = true;
  CHECK(fetch_with(transport(), server.url(), options).body == "secret");
}

TEST_CASE("no flag makes TLS 1.1 or a broken stream acceptable") {
  TlsOptions everything;
  for (Flag flag : all_flags) everything.*flag = true;
  const ServerTls old = authority().server();
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(old.get(), 0);
  ScriptServer outdated(always(ok("secret")), old.get());
  CHECK(fetch_with(transport(), outdated.url(), everything).code() == Errc::tls_failed);

  const ServerTls tls = authority().server();
  ScriptServer cut(
      [](http_test::Peer& peer, int) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome");
        peer.skip_close_notify = true;
      },
      tls.get());
  CHECK(fetch_with(transport(), cut.url(), everything).code() == Errc::body_truncated);
}

TEST_CASE("extra authorities are trusted beside the others, by the job that names them") {
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok("secret")), tls.get());
  const auto shared = transport(false);
  TlsOptions options;
  options.extra_authorities = authority().file();
  CHECK(fetch_with(shared, server.url(), options).body == "secret");
  CHECK(fetch_with(shared, server.url(), {}).code() == Errc::certificate_untrusted);
  options.extra_authorities = "/nonexistent/extra.pem";
  const Outcome missing = fetch_with(shared, server.url(), options);
  CHECK(missing.code() == Errc::certificate_untrusted);
  CHECK(missing.error->detail().find("/nonexistent/extra.pem") != std::string::npos);
}

TEST_CASE("spec 3.9: revocation is checked where asked: revoked, unknown and stale lists are refused") {
  const Folder folder;
  const ServerTls tls = authority().server();
  const long serial = TlsAuthority::last_serial();
  ScriptServer server(always(ok("secret")), tls.get());
  const auto shared = transport();
  TlsOptions options;
  options.check_revocation = true;
  CHECK(fetch_with(shared, server.url(), options).code() == Errc::revocation_unknown);
  options.revocation_lists = folder / "lists.pem";
  CHECK(fetch_with(shared, server.url(), options).code() == Errc::revocation_unknown);
  authority().write_revocations(options.revocation_lists, {serial + 1000});
  CHECK(fetch_with(shared, server.url(), options).body == "secret");
  authority().write_revocations(options.revocation_lists, {serial});
  CHECK(fetch_with(shared, server.url(), options).code() == Errc::certificate_revoked);
  authority().write_revocations(options.revocation_lists, {serial + 1000}, -60);
  CHECK(fetch_with(shared, server.url(), options).code() == Errc::revocation_unknown);
  options.check_revocation = false;
  CHECK(fetch_with(shared, server.url(), options).body == "secret");
}

TEST_CASE("a pinned key is the only one that is accepted") {
  const ServerTls tls = authority().server();
  ScriptServer server(always(ok("secret")), tls.get());
  TlsOptions options;
  options.pins = {*bgxfer::Sha256::parse(std::string(64, 'a'))};
  const Outcome other = fetch_with(transport(), server.url(), options);
  CHECK(other.code() == Errc::certificate_pin_mismatch);
  // The error names the key that was found, so that it can be pinned once it has been checked elsewhere.
  const std::string& detail = other.error->detail();
  REQUIRE(detail.size() > 64);
  const auto found = bgxfer::Sha256::parse(detail.substr(detail.size() - 64));
  REQUIRE(found);
  options.pins.push_back(*found);
  CHECK(fetch_with(transport(), server.url(), options).body == "secret");
  // A pin replaces no other check.
  CHECK(fetch_with(transport(false), server.url(), options).code() == Errc::certificate_untrusted);
}

namespace {

class Validator final : public bgxfer::CertificateValidator {
 public:
  bgxfer::Result<void> check(const bgxfer::ServerCertificate& certificate) override {
    ++asked;
    host = certificate.host;
    links = certificate.chain.size();
    if (throws) throw std::runtime_error("no opinion");
    if (accept) return {};
    return bgxfer::Error(Errc::certificate_untrusted, bgxfer::ErrorContext::none, "not today");
  }
  bool accept = true;
  bool throws = false;
  std::atomic<int> asked{0};
  std::string host;
  std::size_t links = 0;
};

}  // namespace

TEST_CASE("spec 3.10: the validator is asked after the usual checks, and its acceptance is remembered") {
  const ServerTls tls = authority().server();
  SSL_CTX_set_options(tls.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(tls.get(), SSL_SESS_CACHE_OFF);
  std::atomic<int> requests{0};
  ScriptServer server(
      [&requests](http_test::Peer& peer, int) {
        while (!peer.read_head().empty()) {
          ++requests;
          peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
          return;
        }
      },
      tls.get());
  const auto shared = transport();
  const auto validator = std::make_shared<Validator>();
  TlsOptions options;
  options.validator = validator;

  validator->accept = false;
  const Outcome refused = fetch_with(shared, server.url(), options);
  CHECK(refused.code() == Errc::certificate_untrusted);
  CHECK(refused.error->context() == bgxfer::ErrorContext::server_certificate);
  CHECK(refused.error->detail().find("not today") != std::string::npos);
  validator->throws = true;
  CHECK(fetch_with(shared, server.url(), options).error->context() == bgxfer::ErrorContext::server_certificate);
  validator->throws = false;
  CHECK(requests == 0);  // Nothing is sent before the verdict, and refusals are not remembered.
  CHECK(validator->asked == 2);

  validator->accept = true;
  CHECK(fetch_with(shared, server.url(), options).body == "ok");
  CHECK(fetch_with(shared, server.url(), options).body == "ok");
  CHECK(validator->asked == 3);
  CHECK(validator->host == "127.0.0.1");
  CHECK(validator->links == 2);

  TlsOptions other;
  const auto unasked = std::make_shared<Validator>();
  other.validator = unasked;
  CHECK(fetch_with(transport(false), server.url(), other).code() == Errc::certificate_untrusted);
  CHECK(unasked->asked == 0);
}

namespace {

ServerTls server_for_clients(bool required) {
  ServerTls tls = authority().server();
  SSL_CTX_load_verify_file(tls.get(), authority().file().c_str());
  SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return tls;
}

class Source final : public bgxfer::ClientCertificateSource {
 public:
  bgxfer::Result<std::string> pem_for(std::string_view host) override {
    asked_for = host;
    return pem;
  }
  std::string pem;
  std::string asked_for;
};

}  // namespace

TEST_CASE("spec 3.7: client certificates as PEM, as PEM with a password, as PKCS#12, and from the host") {
  const Folder folder;
  authority().write_client(folder / "plain.pem", false, "");
  authority().write_client(folder / "locked.pem", false, "open sesame");
  authority().write_client(folder / "client.p12", true, "open sesame");
  const ServerTls tls = server_for_clients(true);
  ScriptServer server(always(ok("welcome")), tls.get());
  const auto with = [&](const char* file, const char* password) {
    TlsOptions options;
    options.client.file = folder / file;
    options.client.password = password;
    return fetch_with(transport(), server.url(), options);
  };
  CHECK(with("plain.pem", "").body == "welcome");
  CHECK(with("locked.pem", "open sesame").body == "welcome");
  CHECK(with("client.p12", "open sesame").body == "welcome");

  TlsOptions handed;
  const auto source = std::make_shared<Source>();
  std::ifstream in(folder / "plain.pem");
  source->pem.assign(std::istreambuf_iterator<char>(in), {});
  handed.client_source = source;
  CHECK(fetch_with(transport(), server.url(), handed).body == "welcome");
  CHECK(source->asked_for == "127.0.0.1");
  source->pem = "nonsense";
  CHECK(fetch_with(transport(), server.url(), handed).code() == Errc::client_certificate_unusable);
}

TEST_CASE("spec 3.7: what is wrong with a client certificate is said: no file, a wrong password, no key, another key") {
  const Folder folder;
  authority().write_client(folder / "a.pem", false, "");
  authority().write_client(folder / "b.pem", false, "");
  authority().write_client(folder / "locked.pem", false, "open sesame");
  authority().write_client(folder / "client.p12", true, "open sesame");
  std::ofstream(folder / "empty.pem").flush();
  std::ofstream(folder / "garbage.p12") << "garbage";
  const ServerTls tls = server_for_clients(true);
  ScriptServer server(always(ok("welcome")), tls.get());
  struct Case {
    const char* file;
    const char* key_file;
    const char* password;
    const char* says;
  };
  for (const Case& row : {Case{"none.pem", "", "", "cannot be read"}, Case{"empty.pem", "", "", "is empty"},
                          Case{"locked.pem", "", "marker-wrong", "check the password"},
                          Case{"client.p12", "", "marker-wrong", "the password is wrong"},
                          Case{"garbage.p12", "", "", "neither PEM nor PKCS#12"},
                          Case{"a.pem", "b.pem", "", "not that of the certificate"}}) {
    CAPTURE(row.says);
    TlsOptions options;
    options.client.file = folder / row.file;
    if (*row.key_file) options.client.key_file = folder / row.key_file;
    options.client.password = row.password;
    const Outcome outcome = fetch_with(transport(), server.url(), options);
    CHECK(outcome.code() == Errc::client_certificate_unusable);
    CHECK(outcome.error->detail().find(row.says) != std::string::npos);
    CHECK(outcome.error->message().find("marker-wrong") == std::string::npos);
  }
}

TEST_CASE("spec 3.7: a server that wants a certificate says so, and so do we; one that only asks is content") {
  // Under TLS 1.3 the alert comes after the handshake, where this server's reset may overtake it.
  const ServerTls strict = server_for_clients(true);
  SSL_CTX_set_max_proto_version(strict.get(), TLS1_2_VERSION);
  ScriptServer strict_server(always(ok("welcome")), strict.get());
  CHECK(fetch_with(transport(), strict_server.url(), {}).code() == Errc::client_certificate_needed);
  const ServerTls lax = server_for_clients(false);
  ScriptServer lax_server(always(ok("welcome")), lax.get());
  CHECK(fetch_with(transport(), lax_server.url(), {}).body == "welcome");

  const Folder folder;
  const TlsAuthority stranger;
  stranger.write_client(folder / "stranger.pem", false, "");
  TlsOptions options;
  options.client.file = folder / "stranger.pem";
  CHECK(fetch_with(transport(), strict_server.url(), options).code() == Errc::client_certificate_refused);
}
