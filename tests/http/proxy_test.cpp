#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include <doctest/doctest.h>

#include "http/proxy.hpp"
#include "http/socks.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"
#include "support/tls_authority.hpp"

using namespace std::chrono_literals;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;
using bgxfer::Errc;
using bgxfer::ProxyOptions;
using bgxfer::ProxyUsage;
using bgxfer::Request;
using bgxfer::http::parse_proxy;
using bgxfer::http::Proxy;
using bgxfer::http::ProxyEnvironment;
using bgxfer::http::ProxyKind;
using bgxfer::http::detail::listed_proxy;
using bgxfer::http::detail::Origin;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;

namespace {

Origin origin_of(bool secure, std::string host, std::uint16_t port = 80) {
  return Origin{secure, std::move(host), port};
}

ProxyOptions listed(std::string list, std::string bypass = {}) {
  ProxyOptions options;
  options.usage = ProxyUsage::listed;
  options.list = std::move(list);
  options.bypass = std::move(bypass);
  return options;
}

bgxfer::http::TransportOptions hermetic() {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  options.environment_proxies = false;
  return options;
}

std::string at(const ScriptServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

/// Keeps the heads that a script saw.
class Heads {
 public:
  std::string keep(std::string head) {
    const std::lock_guard lock(mutex_);
    if (!head.empty()) heads_.push_back(head);
    return head;
  }
  [[nodiscard]] std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> heads_;
};

std::string bytes(std::initializer_list<unsigned> values) {
  std::string text;
  for (unsigned value : values) text += static_cast<char>(value);
  return text;
}

}  // namespace

TEST_CASE("proxies are read: protocol, user, server, port") {
  const Proxy plain = *parse_proxy("proxy.example:3128");
  CHECK(plain.kind == ProxyKind::http);
  CHECK(plain.host == "proxy.example");
  CHECK(plain.port == 3128);
  CHECK(parse_proxy("proxy")->port == 80);
  CHECK(parse_proxy("http://p:80/")->port == 80);
  CHECK(parse_proxy("http://[::1]")->host == "::1");
  CHECK(parse_proxy("http://[::1]:81")->port == 81);
  const Proxy socks = *parse_proxy("SOCKS5h://me:p%40ss%3A@Proxy");
  CHECK(socks.kind == ProxyKind::socks5);
  CHECK(socks.host == "proxy");
  CHECK(socks.port == 1080);
  CHECK(socks.user == "me");
  CHECK(socks.password == "p@ss:");
}

TEST_CASE("what is no proxy is refused, without showing a password") {
  for (const char* text : {"", "http://", "https://p:1", "ftp://p", "p:0", "p:99999", "a b", "p/path", "p?x", "u:%zz@p",
                           "u:%0a@p", "http://u:marker-secret@", "http://u:marker-secret", "u:marker-secret"}) {
    CAPTURE(text);
    const auto proxy = parse_proxy(text);
    REQUIRE_FALSE(proxy);
    CHECK(proxy.error().code() == Errc::invalid_proxy);
    CHECK(proxy.error().message().find("marker-secret") == std::string::npos);
  }
}

TEST_CASE("spec 3.5: an entry without a protocol serves every protocol that has no own entry") {
  const ProxyOptions options = listed("https=http://secure:1 common:2");
  CHECK(listed_proxy(options, origin_of(true, "h"))->host == "secure");
  CHECK(listed_proxy(options, origin_of(false, "h"))->host == "common");
  CHECK(listed_proxy(listed("http=only:3"), origin_of(true, "h"))->kind == ProxyKind::direct);
  CHECK(listed_proxy(listed("socks5://s"), origin_of(true, "h"))->kind == ProxyKind::socks5);
}

TEST_CASE("spec 3.5: the bypass list knows names, addresses, a star at the left end, and <local>") {
  const auto direct = [](const char* bypass, const char* host) {
    const auto way = listed_proxy(listed("p:1", bypass), origin_of(false, host));
    REQUIRE(way);
    return way->kind == ProxyKind::direct;
  };
  CHECK(direct("a b.example c", "b.example"));
  CHECK_FALSE(direct("b.example", "x.b.example"));
  CHECK(direct("*.example.org", "x.y.example.org"));
  CHECK_FALSE(direct("*.example.org", "example.org"));
  CHECK(direct("<local>", "intranet"));
  CHECK_FALSE(direct("<local>", "intranet.example"));
  CHECK_FALSE(direct("<local>", "::1"));
  CHECK(direct("10.0.0.1", "10.0.0.1"));
  CHECK(direct("[::1]", "::1"));
  CHECK(direct("*", "anything"));
}

TEST_CASE("spec 3.5: lists that are not understood are invalid_proxy when used") {
  for (const ProxyOptions& options :
       {listed("ftp=p:1"), listed("p:1 https://q"), listed(" "), listed("p:1", "aaa.*")}) {
    const auto way = listed_proxy(options, origin_of(false, "h"));
    REQUIRE_FALSE(way);
    CHECK(way.error().code() == Errc::invalid_proxy);
  }
}

TEST_CASE("the environment names proxies, and who needs none") {
  std::map<std::string, std::string> variables{
      {"http_proxy", "plain:1"},
      {"HTTP_PROXY", "of-the-client:1"},
      {"HTTPS_PROXY", "secure:2"},
      {"no_proxy", "example.org, .corp.example 10.0.0.0/8,fd00::/8,h:8080, 192.0.2.1"}};
  const auto read = [&variables] {
    return ProxyEnvironment::read([&variables](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  const auto way = [&read](bool secure, const char* host, std::uint16_t port = 80) {
    return read().proxy_for(secure, host, port)->host;
  };
  CHECK(way(false, "h") == "plain");
  CHECK(way(true, "h") == "secure");
  CHECK(way(false, "example.org") == "");
  CHECK(way(false, "www.example.org") == "");
  CHECK(way(false, "anexample.org") == "plain");
  CHECK(way(false, "a.corp.example") == "");
  CHECK(way(false, "10.1.2.3") == "");
  CHECK(way(false, "11.1.2.3") == "plain");
  CHECK(way(false, "fd12::1") == "");
  CHECK(way(false, "fe80::1") == "plain");
  CHECK(way(false, "192.0.2.1") == "");
  CHECK(way(false, "1192.0.2.1") == "plain");
  CHECK(way(false, "h", 8080) == "");
  for (const char* loopback : {"localhost", "a.localhost", "127.1.2.3", "::1"}) CHECK(way(false, loopback) == "");
  variables.erase("http_proxy");
  CHECK(way(false, "h") == "");  // The upper case of this one is not read.
  variables["all_proxy"] = "socks5://all";
  CHECK(way(false, "h") == "all");
  variables["no_proxy"] = "*";
  CHECK(way(true, "h") == "");
}

TEST_CASE("plain http is asked of the proxy, with the whole URL") {
  Heads heads;
  ScriptServer proxy([&heads](Peer& peer, int) {
    while (!heads.keep(peer.read_head()).empty()) peer.write(ok("through"));
  });
  Request request("http://server.test/file?q");
  request.proxy = listed(at(proxy));
  const auto transport = bgxfer::http::make_transport(hermetic());
  CHECK(fetch(transport, request).body == "through");
  REQUIRE(heads.all().size() == 1);
  CHECK(heads.all()[0].starts_with("GET http://server.test/file?q HTTP/1.1\r\nHost: server.test\r\n"));
}

TEST_CASE("a proxy's password answers its challenge, and only the proxy sees it") {
  Heads heads;
  ScriptServer proxy([&heads](Peer& peer, int) {
    for (std::string head = heads.keep(peer.read_head()); !head.empty(); head = heads.keep(peer.read_head())) {
      const bool let_in = head.find("\r\nProxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n") != std::string::npos;
      peer.write(let_in ? ok("through")
                        : "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Request request("http://server.test/file");
  request.proxy = listed(at(proxy));
  request.credentials = {Credentials{CredentialTarget::proxy, CredentialScheme::basic, "me", "open sesame"}};
  const auto transport = bgxfer::http::make_transport(hermetic());
  CHECK(fetch(transport, request).body == "through");
  CHECK(heads.all().size() == 2);
  CHECK(heads.all()[1].find("\r\nAuthorization:") == std::string::npos);

  request.credentials[0].password = "marker-wrong";
  const Outcome wrong = fetch(transport, request);
  CHECK(wrong.code() == bgxfer::http_status(407));
  CHECK(wrong.error->detail().find("the user name or the password is wrong") != std::string::npos);
  CHECK(wrong.error->message().find("marker-wrong") == std::string::npos);

  // An origin that asks for a proxy's password gets none.
  ScriptServer origin([&heads](Peer& peer, int) {
    heads.keep(peer.read_head());
    peer.write("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n");
  });
  Request direct(origin.url());
  direct.proxy.usage = ProxyUsage::none;
  direct.credentials = request.credentials;
  CHECK(fetch(transport, direct).code() == bgxfer::http_status(407));
  CHECK(heads.all().back().find("Proxy-Authorization") == std::string::npos);
}

TEST_CASE(
    "spec 3.12: stored credentials answer proxies that ask for a ticket, and no server, and no password gives way to "
    "them") {
  // Whether there is a ticket on this machine does not matter: what tells is who is answered at all.
  const auto says = [](const Outcome& outcome, const char* text) {
    REQUIRE(outcome.error);
    return outcome.error->detail().find(text) != std::string::npos;
  };
  ScriptServer proxy(
      http_test::always("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"));
  Request request("http://nowhere.invalid/file");
  request.proxy = listed(at(proxy));
  CHECK(says(fetch(bgxfer::http::make_transport(hermetic()), request), "it asks for credentials (negotiate)"));
  request.stored_credentials = CredentialTarget::proxy;
  const Outcome answered = fetch(bgxfer::http::make_transport(hermetic()), request);
  CHECK(answered.code() == bgxfer::http_status(407));
  CHECK_FALSE(says(answered, "it asks for credentials"));
  request.credentials = {Credentials{CredentialTarget::proxy, CredentialScheme::basic, "me", "open sesame"}};
  CHECK(says(fetch(bgxfer::http::make_transport(hermetic()), request), "it asks for credentials (negotiate)"));

  ScriptServer server(http_test::always("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"));
  Request direct(server.url());
  direct.stored_credentials = CredentialTarget::proxy;
  CHECK(says(fetch(bgxfer::http::make_transport(hermetic()), direct), "it asks for credentials (negotiate)"));
}

TEST_CASE("a tunnel through an HTTP proxy carries TLS, and hides the request from the proxy") {
  http_test::TlsAuthority authority;
  const http_test::ServerTls tls = authority.server();
  Heads seen;
  // The proxy plays the server as well: behind CONNECT it speaks TLS on the same socket.
  bgxfer::http::TransportOptions options = hermetic();
  options.ca_bundle = authority.file();
  ScriptServer server(http_test::always(ok("behind")), tls.get());
  ScriptServer proxy([&seen, &server](Peer& peer, int) {
    const std::string head = seen.keep(peer.read_head());
    if (head.find("Proxy-Authorization: Basic bWU6cA==") == std::string::npos) {
      peer.write("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 3\r\n\r\nno\n");
      return;
    }
    peer.write("HTTP/1.1 200 Go\r\nContent-Length: 5\r\n\r\n");
    peer.splice_to(server.port());
  });
  Request request("https://127.0.0.1:" + std::to_string(server.port()) + "/hidden");
  request.proxy = listed(at(proxy));
  request.credentials = {Credentials{CredentialTarget::proxy, CredentialScheme::basic, "me", "p"},
                         Credentials{CredentialTarget::server, CredentialScheme::bearer, "", "marker-token"}};
  const Outcome outcome = fetch(bgxfer::http::make_transport(options), request);
  CHECK_MESSAGE(outcome.body == "behind", (outcome.error ? outcome.error->message() : ""));
  REQUIRE(seen.all().size() == 2);
  CHECK(seen.all()[1].starts_with("CONNECT 127.0.0.1:" + std::to_string(server.port()) + " HTTP/1.1\r\n"));
  for (const std::string& head : seen.all()) {
    CHECK(head.find("hidden") == std::string::npos);
    CHECK(head.find("marker-token") == std::string::npos);
  }
}

TEST_CASE("a proxy that makes no tunnel is named, with its answer") {
  ScriptServer proxy(http_test::once("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
  Request request("https://server.test/");
  request.proxy = listed(at(proxy));
  const Outcome outcome = fetch(bgxfer::http::make_transport(hermetic()), request);
  CHECK(outcome.code() == bgxfer::http_status(403));
  CHECK(outcome.error->detail().find("proxy " + at(proxy) + ": no tunnel to server.test:443") != std::string::npos);
}

TEST_CASE("a proxy that lies or says nothing is an error in time") {
  struct Case {
    const char* answer;
    std::error_code code;
  };
  for (const Case& row : {Case{"SSH-2.0-x\r\n\r\n", Errc::invalid_response}, Case{"", Errc::proxy_failed}}) {
    ScriptServer proxy(http_test::once(row.answer));
    Request request("https://server.test/");
    request.proxy = listed(at(proxy));
    CHECK(fetch(bgxfer::http::make_transport(hermetic()), request).code() == row.code);
  }
  ScriptServer silent([](Peer& peer, int) {
    peer.read_head();
    peer.wait_for_client();
  });
  bgxfer::http::TransportOptions options = hermetic();
  options.connect_timeout = 50ms;
  Request request("https://server.test/");
  request.proxy = listed(at(silent));
  CHECK(fetch(bgxfer::http::make_transport(options), request).code() == Errc::connect_timeout);
}

TEST_CASE("SOCKS5: names are resolved by the proxy, and a password is given where it is asked for") {
  std::string asked;
  std::mutex mutex;
  ScriptServer proxy([&](Peer& peer, int) {
    const std::string greeting = peer.read_exactly(4);
    if (greeting != bytes({5, 2, 0, 2})) return;
    peer.write(bytes({5, 2}));
    const std::string login = peer.read_exactly(2 + 2 + 1 + 1);
    peer.write(bytes({1, login.substr(2) == std::string("me") + bytes({1}) + "p" ? 0u : 1u}));
    const std::string request = peer.read_exactly(4 + 1 + 11 + 2);
    {
      const std::lock_guard lock(mutex);
      asked = request;
    }
    peer.write(bytes({5, 0, 0, 3, 2, 'x', 'y', 0, 0}));
    peer.read_head();
    peer.write(ok("through socks"));
  });
  Request request("http://server.test:8080/file");
  request.proxy = listed("socks5://" + at(proxy));
  request.credentials = {Credentials{CredentialTarget::proxy, CredentialScheme::basic, "me", "p"}};
  const Outcome outcome = fetch(bgxfer::http::make_transport(hermetic()), request);
  CHECK_MESSAGE(outcome.body == "through socks", (outcome.error ? outcome.error->message() : ""));
  const std::lock_guard lock(mutex);
  CHECK(asked == bytes({5, 1, 0, 3, 11}) + "server.test" + bytes({0x1f, 0x90}));
}

TEST_CASE("SOCKS5: refusals keep their meaning") {
  struct Case {
    std::string answers;
    std::error_code code;
  };
  const Case cases[] = {
      {bytes({5, 0}) + bytes({5, 5, 0, 1, 0, 0, 0, 0, 0, 0}), std::make_error_code(std::errc::connection_refused)},
      {bytes({5, 0}) + bytes({5, 4, 0, 1, 0, 0, 0, 0, 0, 0}), std::make_error_code(std::errc::host_unreachable)},
      {bytes({5, 0}) + bytes({5, 2, 0, 1, 0, 0, 0, 0, 0, 0}), bgxfer::http_status(403)},
      {bytes({5, 0}) + bytes({5, 9, 0, 1, 0, 0, 0, 0, 0, 0}), Errc::proxy_failed},
      {bytes({5, 0}) + bytes({5, 0, 0, 7}), Errc::proxy_failed},
      {bytes({5, 255}), bgxfer::http_status(407)},
      {bytes({5, 2}), bgxfer::http_status(407)},
      {"HTTP/1.1 400 x\r\n\r\n", Errc::proxy_failed},
      {"", Errc::proxy_failed},
  };
  for (const Case& row : cases) {
    ScriptServer proxy([&row](Peer& peer, int) {
      peer.read_exactly(3);
      peer.write(row.answers);
      // Closing with unread bytes would be a reset, which may overtake the answer.
      if (!row.answers.empty()) peer.read_exactly(64);
    });
    Request request("http://server.test/");
    request.proxy = listed("socks5://" + at(proxy));
    const Outcome outcome = fetch(bgxfer::http::make_transport(hermetic()), request);
    CAPTURE(row.code.message());
    CHECK(outcome.code() == row.code);
    CHECK(outcome.error->detail().find("proxy " + at(proxy)) != std::string::npos);
  }
}

namespace {

class FixedResolver final : public bgxfer::http::ProxyResolver {
 public:
  asio::awaitable<bgxfer::Result<std::vector<Proxy>>> resolve(std::string url) override {
    urls.push_back(std::move(url));
    co_return ways;
  }
  std::vector<Proxy> ways;
  std::vector<std::string> urls;
};

}  // namespace

TEST_CASE("a resolver is asked for every request, without its query, and its next way is taken when one is not there") {
  ScriptServer proxy(http_test::always(ok("second way")));
  auto resolver = std::make_shared<FixedResolver>();
  {
    ScriptServer gone(http_test::always(ok("never")));
    resolver->ways = {*parse_proxy(at(gone)), *parse_proxy(at(proxy))};
  }
  bgxfer::http::TransportOptions options = hermetic();
  options.proxies = resolver;
  const auto transport = bgxfer::http::make_transport(options);
  for (ProxyUsage usage : {ProxyUsage::preconfigured, ProxyUsage::autodetect}) {
    Request request("http://server.test/file?secret");
    request.proxy.usage = usage;
    CHECK(fetch(transport, request).body == "second way");
  }
  CHECK(resolver->urls == std::vector<std::string>(2, "http://server.test/file"));
}

TEST_CASE("autodetect without a resolver is an error") {
  Request request("http://server.test/");
  request.proxy.usage = ProxyUsage::autodetect;
  CHECK(fetch(bgxfer::http::make_transport(hermetic()), request).code() == Errc::invalid_proxy);
}

TEST_CASE("the environment's proxy is used by default, and not by a job that wants none") {
  ScriptServer proxy(http_test::always(ok("through")));
  bgxfer::http::TransportOptions options = hermetic();
  options.environment.http_proxy = at(proxy);
  const auto transport = bgxfer::http::make_transport(options);
  CHECK(fetch(transport, "http://server.test/").body == "through");
  ScriptServer server(http_test::always(ok("direct")));
  Request request(server.url());
  CHECK(fetch(transport, request).body == "direct");
}

TEST_CASE("a redirect through a proxy does not lead a public request to private names") {
  ScriptServer proxy(
      http_test::always("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/admin\r\nContent-Length: 0\r\n\r\n"));
  Request request("http://server.test/");
  request.proxy = listed(at(proxy));
  CHECK(fetch(bgxfer::http::make_transport(hermetic()), request).code() == Errc::blocked_address);
}
