#include <bgxfer/http/http_transport.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/authenticator.hpp"
#include "http/challenge.hpp"
#include "http/digest_access.hpp"
#include "support/http_fetch.hpp"
#include "support/http_script_server.hpp"

using namespace std::chrono_literals;
using bgxfer::Credentials;
using bgxfer::CredentialScheme;
using bgxfer::CredentialTarget;
using bgxfer::Request;
using bgxfer::http::detail::Challenge;
using bgxfer::http::detail::digest_proof;
using bgxfer::http::detail::DigestChallenge;
using bgxfer::http::detail::parse_challenges;
using http_test::fetch;
using http_test::ok;
using http_test::Outcome;
using http_test::Peer;
using http_test::ScriptServer;

namespace {

Credentials server_login(CredentialScheme scheme, std::string user, std::string password) {
  return Credentials{CredentialTarget::server, scheme, std::move(user), std::move(password)};
}

std::shared_ptr<bgxfer::Transport> transport() {
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  options.environment_proxies = false;
  return bgxfer::http::make_transport(options);
}

std::string refusal(const std::string& challenge, int status = 401) {
  return "HTTP/1.1 " + std::to_string(status) + " No\r\nWWW-Authenticate: " + challenge +
         "\r\nContent-Length: 0\r\n\r\n";
}

/// A server that wants `challenge` answered with `Authorization: <proof>...` and remembers every head.
class Guard {
 public:
  Guard(std::string challenge, std::string proof)
      : server_([this, challenge = std::move(challenge), proof = std::move(proof)](Peer& peer, int) {
          for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
            const bool let_in = head.find("\r\nAuthorization: " + proof) != std::string::npos;
            {
              const std::lock_guard lock(mutex_);
              heads_.push_back(head);
            }
            if (!peer.write(let_in ? ok("secret") : refusal(challenge))) return;
          }
        }) {}
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> heads_;
  ScriptServer server_;
};

std::size_t count_of(const std::vector<std::string>& heads, std::string_view text) {
  std::size_t count = 0;
  for (const std::string& head : heads) count += head.find(text) != std::string::npos;
  return count;
}

}  // namespace

TEST_CASE("challenges are taken apart: parameters, tokens, several in one field") {
  const auto one = parse_challenges("Basic realm=\"a, \\\"b\\\"\", charset=UTF-8");
  REQUIRE(one);
  REQUIRE(one->size() == 1);
  CHECK((*one)[0].scheme == "basic");
  CHECK((*one)[0].parameter("realm") == "a, \"b\"");
  CHECK((*one)[0].parameter("charset") == "UTF-8");

  const auto three =
      parse_challenges(" , Negotiate ,NTLM TlRMTVNTUAAC==, Digest qop=\"auth,auth-int\",nonce = x , realm=\"\"");
  REQUIRE(three);
  REQUIRE(three->size() == 3);
  CHECK((*three)[0].scheme == "negotiate");
  CHECK((*three)[1].scheme == "ntlm");
  CHECK((*three)[1].parameters.empty());
  CHECK((*three)[2].parameter("qop") == "auth,auth-int");
  CHECK((*three)[2].parameter("nonce") == "x");
  CHECK((*three)[2].parameter("realm") == "");
  CHECK(parse_challenges("")->empty());
}

TEST_CASE("challenges that make no sense, or too much of it, are refused") {
  for (const char* text :
       {"realm=\"x\"", "Basic realm=\"x", "Basic realm=\"x\" y", "Digest nonce=\"\\", "=", "Basic\x01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_challenges(text));
  }
  std::string many;
  for (int i = 0; i < 16; ++i) many += "S" + std::to_string(i) + ", ";
  CHECK(parse_challenges(many));
  CHECK_FALSE(parse_challenges(many + "S"));
  std::string wide = "Digest a0=x";
  for (int i = 1; i < 32; ++i) wide += ", a" + std::to_string(i) + "=x";
  CHECK(parse_challenges(wide));
  CHECK_FALSE(parse_challenges(wide + ", b=x"));
}

TEST_CASE("RFC 7616 section 3.9.1: the worked example of Digest") {
  const std::string common =
      "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
      "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
  const Credentials mufasa = server_login(CredentialScheme::digest, "Mufasa", "Circle of Life");
  const auto response_of = [&](const std::string& algorithm) {
    const auto challenges = parse_challenges(common + ", algorithm=" + algorithm);
    const auto challenge = DigestChallenge::read(challenges->front());
    REQUIRE(challenge);
    return *digest_proof(*challenge, mufasa, "GET", "/dir/index.html", 1,
                         "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  };
  const std::string md5 = response_of("MD5");
  CHECK(md5.find("response=\"8ca523f5e9506fed4657c9700eebdbec\"") != std::string::npos);
  CHECK(md5.find("algorithm=MD5, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001") !=
        std::string::npos);
  CHECK(response_of("SHA-256").find("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"") !=
        std::string::npos);
}

TEST_CASE("Digest that we do not speak is not answered") {
  const auto read = [](const std::string& text) { return DigestChallenge::read(parse_challenges(text)->front()); };
  CHECK(read("Digest realm=\"\", nonce=\"n\""));
  CHECK(read("Digest realm=\"\", nonce=\"n\", algorithm=md5-SESS"));
  CHECK(read("Digest realm=\"\", nonce=\"n\", algorithm=SHA-512-256"));
  CHECK_FALSE(read("Digest realm=\"\""));
  CHECK_FALSE(read("Digest nonce=\"n\""));
  CHECK_FALSE(read("Digest realm=\"\", nonce=\"n\", algorithm=SHA-1"));
  CHECK_FALSE(read("Digest realm=\"\", nonce=\"n\", qop=\"auth-int\""));
  CHECK_FALSE(read("Basic realm=\"\", nonce=\"n\""));
}

TEST_CASE("Basic answers to a challenge, and without one from then on") {
  Guard guard("Basic realm=\"r\"", "Basic bWU6b3BlbiBzZXNhbWU=");
  const auto shared = transport();
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::basic, "me", "open sesame")};
  request.credentials_without_tls = true;
  CHECK(fetch(shared, request).body == "secret");
  CHECK(guard.heads().size() == 2);
  CHECK(fetch(shared, request).body == "secret");
  CHECK(guard.heads().size() == 3);
}

TEST_CASE("Basic does not travel over plain http unless allowed, and says so") {
  Guard guard("Basic realm=\"r\"", "Basic");
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::basic, "me", "open sesame"),
                         server_login(CredentialScheme::bearer, "", "marker-token")};
  const Outcome outcome = fetch(transport(), request);
  CHECK(outcome.code() == bgxfer::http_status(401));
  CHECK(outcome.error->detail().find("over plain http, so none was sent") != std::string::npos);
  CHECK(count_of(guard.heads(), "Authorization") == 0);
}

TEST_CASE("a wrong password is tried once, and named without being shown") {
  for (CredentialScheme scheme : {CredentialScheme::basic, CredentialScheme::digest}) {
    Guard guard("Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\", qop=\"auth\"", "nothing fits");
    Request request(guard.url());
    request.credentials = {server_login(scheme, "me", "marker-secret")};
    request.credentials_without_tls = true;
    const Outcome outcome = fetch(transport(), request);
    CHECK(outcome.code() == bgxfer::http_status(401));
    CHECK(outcome.error->detail().find("the user name or the password is wrong") != std::string::npos);
    CHECK(outcome.error->message().find("marker-secret") == std::string::npos);
    CHECK(guard.heads().size() == 2);
  }
}

TEST_CASE("Digest uses a nonce again and counts") {
  Guard guard("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256", "Digest username=\"me\"");
  const auto shared = transport();
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::digest, "me", "open sesame")};
  CHECK(fetch(shared, request).body == "secret");
  CHECK(fetch(shared, request).body == "secret");
  const std::vector<std::string> heads = guard.heads();
  REQUIRE(heads.size() == 3);
  CHECK(heads[1].find("nc=00000001") != std::string::npos);
  CHECK(heads[2].find("nc=00000002") != std::string::npos);
}

TEST_CASE("a stale nonce is replaced without a failure") {
  std::atomic<int> requests{0};
  ScriptServer server([&requests](Peer& peer, int) {
    for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
      const bool fresh = head.find("nonce=\"two\"") != std::string::npos;
      ++requests;
      const bool first = head.find("Authorization") == std::string::npos;
      if (!peer.write(fresh ? ok("secret")
                            : refusal(first ? "Digest realm=\"r\", nonce=\"one\", qop=auth"
                                            : "Digest realm=\"r\", nonce=\"two\", qop=auth, stale=TRUE"))) {
        return;
      }
    }
  });
  Request request(server.url());
  request.credentials = {server_login(CredentialScheme::digest, "me", "open sesame")};
  CHECK(fetch(transport(), request).body == "secret");
  CHECK(requests == 3);
}

TEST_CASE("the best of several challenges is answered") {
  Guard guard(
      "Basic realm=\"r\", Digest realm=\"r\", nonce=\"a\", qop=auth, Digest realm=\"r\", nonce=\"b\", qop=auth, "
      "algorithm=SHA-256",
      "Digest");
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::basic, "me", "p"),
                         server_login(CredentialScheme::digest, "me", "p")};
  request.credentials_without_tls = true;
  CHECK(fetch(transport(), request).body == "secret");
  CHECK(guard.heads()[1].find("nonce=\"b\"") != std::string::npos);
}

TEST_CASE("Bearer is sent without being asked") {
  Guard guard("Bearer", "Bearer abc.def");
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::bearer, "", "abc.def")};
  request.credentials_without_tls = true;
  CHECK(fetch(transport(), request).body == "secret");
  CHECK(guard.heads().size() == 1);
}

TEST_CASE("what is not spoken is named") {
  Guard guard("Negotiate, NTLM", "never");
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::basic, "me", "p")};
  const Outcome outcome = fetch(transport(), request);
  CHECK(outcome.code() == bgxfer::http_status(401));
  CHECK(outcome.error->detail().find("negotiate, ntlm") != std::string::npos);
}

TEST_CASE("a challenge that never ends is given up") {
  std::atomic<int> requests{0};
  ScriptServer server([&requests](Peer& peer, int) {
    while (!peer.read_head().empty()) {
      const std::string nonce = std::to_string(++requests);
      if (!peer.write(refusal("Digest realm=\"r\", stale=true, qop=auth, nonce=\"" + nonce + "\""))) return;
    }
  });
  Request request(server.url());
  request.credentials = {server_login(CredentialScheme::digest, "me", "p")};
  CHECK(fetch(transport(), request).code() == bgxfer::http_status(401));
  CHECK(requests <= 4);
}

TEST_CASE("one job's password is not lent to another") {
  Guard guard("Basic realm=\"r\"", "Basic bWU6b3BlbiBzZXNhbWU=");
  const auto shared = transport();
  Request request(guard.url());
  request.credentials = {server_login(CredentialScheme::basic, "me", "open sesame")};
  request.credentials_without_tls = true;
  CHECK(fetch(shared, request).body == "secret");
  CHECK(fetch(shared, Request(guard.url())).code() == bgxfer::http_status(401));
  request.credentials[0].user = "you";
  CHECK(fetch(shared, request).code() == bgxfer::http_status(401));
}

TEST_CASE("a request's own Authorization header goes before credentials") {
  Guard guard("Basic realm=\"r\"", "Custom x");
  Request request(guard.url());
  request.headers = {{"authorization", "Custom x"}};
  request.credentials = {server_login(CredentialScheme::bearer, "", "t")};
  request.credentials_without_tls = true;
  // Field names keep the caller's spelling, which the guard does not know.
  CHECK(fetch(transport(), request).error);
  CHECK(count_of(guard.heads(), "Bearer") == 0);
  CHECK(count_of(guard.heads(), "authorization: Custom x") == guard.heads().size());
}
