#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace bgxfer::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* journal_name = "/state/queue.journal";

Credentials login(std::string user, std::string password, CredentialScheme scheme = CredentialScheme::basic,
                  CredentialTarget target = CredentialTarget::server) {
  return Credentials{target, scheme, std::move(user), std::move(password)};
}

class MemorySecrets final : public SecretStore {
 public:
  asio::awaitable<Result<void>> put(std::string name, std::vector<std::byte> secret) override {
    if (broken) co_return Error(Errc::journal_failed, ErrorContext::local_file, "keyring");
    kept[name] = std::move(secret);
    co_return Result<void>{};
  }
  asio::awaitable<Result<std::vector<std::byte>>> get(std::string name) override {
    const auto found = kept.find(name);
    if (found == kept.end()) co_return Error(Errc::not_found, ErrorContext::local_file, name);
    co_return found->second;
  }
  asio::awaitable<Result<void>> erase(std::string name) override {
    kept.erase(name);
    co_return Result<void>{};
  }
  std::map<std::string, std::vector<std::byte>> kept;
  bool broken = false;
};

class Renewal final : public RequestProvider {
 public:
  asio::awaitable<Result<RequestAnswer>> answer(RequestQuestion question) override {
    questions.push_back(question);
    RequestAnswer answer;
    answer.url = question.url + "?signature=" + std::to_string(questions.size());
    answer.headers = {Header{"X-Token", std::to_string(questions.size())}};
    co_return answer;
  }
  std::vector<RequestQuestion> questions;
};

std::string journal_text(const World& world) {
  const auto journal = world.storage->contents(journal_name);
  return journal ? std::string(reinterpret_cast<const char*>(journal->data()), journal->size()) : std::string();
}

}  // namespace

TEST_CASE("spec 3.6: credentials have no getter: options show names without passwords, and keep what is not shown") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) { o.http.credentials = {login("me", "marker-secret")}; }));
  CHECK(job.options().http.credentials == std::vector<Credentials>{login("me", "")});
  REQUIRE(job.configure([](JobOptions& o) { o.display_name = "other"; }));
  job.resume();
  world.run();
  REQUIRE(world.transport->asked.size() == 1);
  CHECK(world.transport->asked[0].credentials == std::vector<Credentials>{login("me", "marker-secret")});
}

TEST_CASE("spec 3.6: removing credentials leaves the others, and a job without them asks without") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) {
    o.http.credentials = {login("me", "one"), login("me", "two", CredentialScheme::digest)};
  }));
  // What is removed is the pair of target and scheme.
  REQUIRE(job.configure([](JobOptions& o) {
    std::erase_if(o.http.credentials, [](const Credentials& it) { return it.scheme == CredentialScheme::basic; });
  }));
  job.resume();
  world.run();
  CHECK(world.transport->asked.at(0).credentials ==
        std::vector<Credentials>{login("me", "two", CredentialScheme::digest)});
  REQUIRE(job.configure([](JobOptions& o) { o.http.credentials.clear(); }));
  REQUIRE(job.add({world.file("b", 10)}));
  job.resume();
  world.run();
  CHECK(world.transport->asked.at(1).credentials.empty());
}

TEST_CASE(
    "spec 3.12: stored credentials are no secret: they are readable, survive a restart, and no job waits for them") {
  World world;
  world.start();
  const JobId id = world.add("a", 1000).id();
  REQUIRE(world.queue->find(id)->configure([](JobOptions& o) { o.http.stored_credentials = CredentialTarget::proxy; }));
  world.run();
  world.crash();
  world.start();
  Job job = *world.queue->find(id);
  CHECK(job.options().http.stored_credentials == CredentialTarget::proxy);
  const CommandResult refused =
      job.configure([](JobOptions& o) { o.http.stored_credentials = CredentialTarget::server; });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::stored_credentials_unsupported);
  CHECK(job.options().http.stored_credentials == CredentialTarget::proxy);
  REQUIRE(job.resume());
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(world.transport->asked.at(0).stored_credentials == CredentialTarget::proxy);
  REQUIRE(job.take_ownership());
  CHECK_FALSE(job.options().http.stored_credentials);
}

TEST_CASE("spec 3.8: write-only headers are sent and not shown, and cannot be made readable again") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) {
    o.http.headers = {Header{"X-Key", "marker-secret"}, Header{"X-Other", "old"}};
    o.http.headers_write_only = true;
  }));
  CHECK(job.options().http.headers == std::vector<Header>{Header{"X-Key", ""}, Header{"X-Other", ""}});
  REQUIRE(job.configure([](JobOptions& o) {
    o.http.headers_write_only = false;
    o.http.headers[1].value = "new";
  }));
  CHECK(job.options().http.headers_write_only);
  job.resume();
  world.run();
  CHECK(world.transport->asked.at(0).headers ==
        std::vector<Header>{Header{"X-Key", "marker-secret"}, Header{"X-Other", "new"}});
}

TEST_CASE("what a job asks of HTTP survives a restart, but for its secrets") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  HttpOptions wanted;
  wanted.redirects.mode = RedirectMode::refuse;
  wanted.proxy.usage = ProxyUsage::listed;
  wanted.proxy.list = "socks5://proxy";
  wanted.proxy.bypass = "<local>";
  wanted.credentials_without_tls = true;
  wanted.headers_write_only = true;
  wanted.tls.ignore_expired = wanted.tls.check_revocation = true;
  wanted.tls.revocation_lists = "/lists.pem";
  wanted.tls.extra_authorities = "/extra.pem";
  wanted.tls.client.file = "/client.p12";
  wanted.tls.pins = {*Sha256::parse(std::string(64, 'a'))};
  REQUIRE(job.configure([&wanted](JobOptions& o) { o.http = wanted; }));
  world.run();
  world.crash();
  world.start();
  world.run();
  CHECK(world.queue->jobs().at(0).options().http == wanted);
}

TEST_CASE("secrets: twenty marked ones are in no journal, log, error or event") {
  std::string log;
  World world;
  world.options.log = [&log](const LogEntry& entry) { (log += to_line(entry)) += '\n'; };
  world.start();
  Job job = world.add("a", 1000);
  const auto marker = [](int number) { return "marker-secret-" + std::to_string(number); };
  REQUIRE(job.configure([&marker](JobOptions& o) {
    for (int i = 0; i < 15; ++i) o.http.headers.push_back(Header{"X-" + std::to_string(i), marker(i)});
    o.http.credentials = {login("me", marker(15)), login("me", marker(16), CredentialScheme::digest),
                          login("", marker(17), CredentialScheme::bearer),
                          login("me", marker(18), CredentialScheme::basic, CredentialTarget::proxy)};
    o.http.tls.client.file = "/client.p12";
    o.http.tls.client.password = marker(19);
  }));
  world.transport->incidents.push_back(Incident{.refuse = Error(http_status(401), ErrorContext::remote_file, "no")});
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  std::string all = log + journal_text(world) + job.error()->message() + job.options().http.tls.client.password;
  for (const Event& event : world.heard) {
    if (const auto* failed = std::get_if<JobFailed>(&event)) all += failed->error.message();
  }
  for (int i = 0; i < 20; ++i) CHECK(all.find(marker(i)) == std::string::npos);
  REQUIRE(!journal_text(world).empty());
}

TEST_CASE("a secret store keeps headers and credentials over a restart, and forgets them with the job") {
  World world;
  const auto secrets = std::make_shared<MemorySecrets>();
  world.options.secrets = secrets;
  world.start();
  Job job = world.add("a", 200'000);
  REQUIRE(job.configure([](JobOptions& o) {
    o.http.headers = {Header{"X-Key", "marker-1"}};
    o.http.credentials = {login("me", "marker-2")};
  }));
  job.resume();
  world.run_for(5ms);
  REQUIRE(secrets->kept.size() == 1);
  CHECK(secrets->kept.begin()->first == job.id().to_string());
  world.crash();
  CHECK(journal_text(world).find("marker-") == std::string::npos);

  world.start();
  world.run();
  Job again = world.queue->jobs().at(0);
  CHECK(again.state() == JobState::transferred);
  CHECK(world.transport->asked.back().headers == std::vector<Header>{Header{"X-Key", "marker-1"}});
  CHECK(world.transport->asked.back().credentials == std::vector<Credentials>{login("me", "marker-2")});
  again.complete();
  world.run();
  CHECK(secrets->kept.empty());
}

TEST_CASE("a secret store that fails, or has lost the secrets, is told of, and the job waits for its host") {
  std::string log;
  World world;
  world.options.log = [&log](const LogEntry& entry) { (log += to_line(entry)) += '\n'; };
  const auto secrets = std::make_shared<MemorySecrets>();
  secrets->broken = true;
  world.options.secrets = secrets;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) { o.http.credentials = {login("me", "marker-2")}; }));
  job.resume();
  world.run_for(5ms);
  CHECK(log.find("warning secrets.not_kept job=" + job.id().to_string()) != std::string::npos);
  CHECK(log.find("marker-") == std::string::npos);
  world.crash();
  world.start();
  world.run();
  CHECK(world.queue->jobs().at(0).error()->code() == Errc::headers_needed);
}

TEST_CASE(
    "bad-servers row 36: a provider is asked for each request, once more after a refusal, and the bytes are kept") {
  World world;
  const auto renewal = std::make_shared<Renewal>();
  world.options.requests = renewal;
  world.start();
  Job job = world.add("a", 200'000);
  const Resource served = world.resource("a");
  for (int i = 1; i < 9; ++i) world.transport->resources["http://server/a?signature=" + std::to_string(i)] = served;
  world.transport->incidents.push_back(Incident{.cut_after = 70'000});
  world.transport->incidents.push_back(
      Incident{.refuse = Error(http_status(403), ErrorContext::remote_file, "expired")});
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  REQUIRE(renewal->questions.size() == 3);
  CHECK_FALSE(renewal->questions[0].refused);
  CHECK_FALSE(renewal->questions[1].refused);
  REQUIRE(renewal->questions[2].refused);
  CHECK(renewal->questions[2].refused->code() == http_status(403));
  CHECK(renewal->questions[2].url == "http://server/a");
  REQUIRE(world.transport->asked.size() == 3);
  CHECK(world.transport->asked[2].url == "http://server/a?signature=3");
  CHECK(world.transport->asked[2].range.offset == 70'000);
  CHECK(world.transport->asked[2].headers == std::vector<Header>{Header{"X-Token", "3"}});
  CHECK(world.transport->bytes_sent == 200'000);
  CHECK(journal_text(world).find("signature") == std::string::npos);
}

TEST_CASE("3.9: what a provider makes of a URL is no redirect, and is told to nobody") {
  World world;
  world.options.requests = std::make_shared<Renewal>();
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) { o.http.redirects.mode = RedirectMode::report; }));
  world.transport->resources["http://server/a?signature=1"] = world.resource("a");
  job.resume();
  world.run();
  CHECK(job.state() == JobState::transferred);
  CHECK(job.files()[0].url() == "http://server/a");
  CHECK(journal_text(world).find("signature") == std::string::npos);
}

TEST_CASE("a provider whose answer is refused twice does not keep a job busy") {
  World world;
  const auto renewal = std::make_shared<Renewal>();
  world.options.requests = renewal;
  world.start();
  Job job = world.add("a", 1000);
  for (int i = 0; i < 9; ++i) {
    world.transport->incidents.push_back(Incident{.refuse = Error(http_status(403), ErrorContext::remote_file, "no")});
  }
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(renewal->questions.size() == 2);
}

TEST_CASE("spec 3.11: another method is foreground for good, fixed once resumed, never resumed and never retried") {
  World world;
  world.start();
  Job job = world.add("a", 200'000);
  REQUIRE(job.configure([](JobOptions& o) { o.http.method = "POST"; }));
  CHECK(job.options().priority == Priority::foreground);
  const CommandResult lowered = job.configure([](JobOptions& o) { o.priority = Priority::low; });
  REQUIRE_FALSE(lowered);
  CHECK(lowered.error().code() == Errc::unsupported_configuration);

  world.transport->incidents.push_back(Incident{.cut_after = 70'000});
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);  // A plain job would have tried again.
  CHECK(world.transport->asked.size() == 1);
  const CommandResult changed = job.configure([](JobOptions& o) { o.http.method = "GET"; });
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code() == Errc::read_only_after_resume);

  REQUIRE(job.resume());
  world.run();
  CHECK(job.state() == JobState::transferred);
  REQUIRE(world.transport->asked.size() == 2);
  CHECK(world.transport->asked[1].method == "POST");
  CHECK(world.transport->asked[1].range == ByteRange{});
}

namespace {

class Agreeable final : public CertificateValidator {
 public:
  Result<void> check(const ServerCertificate&) override { return {}; }
};

}  // namespace

TEST_CASE("spec 3.10: after a restart a job's validator is missing, which is an error and not a pass") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& o) { o.http.tls.validator = std::make_shared<Agreeable>(); }));
  world.run();
  world.crash();
  world.start();
  world.run();
  const auto validator = world.queue->jobs().at(0).options().http.tls.validator;
  REQUIRE(validator);
  const Result<void> verdict = validator->check(ServerCertificate());
  REQUIRE_FALSE(verdict);
  CHECK(verdict.error().code() == Errc::validator_needed);
}

TEST_CASE("spec 3.10: a validator is given to a job that does not run") {
  World world;
  world.start();
  Job job = world.add("a", 1'000'000);
  const auto give = [&job] {
    return job.configure([](JobOptions& o) { o.http.tls.validator = std::make_shared<Agreeable>(); });
  };
  REQUIRE(give());
  job.resume();
  world.run_for(5ms);
  const CommandResult refused = give();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::read_only_while_active);
  REQUIRE(job.configure([](JobOptions& o) { o.display_name = "other"; }));
  job.suspend();
  CHECK(give());
}

TEST_CASE("spec 3.10: what a validator refuses is tried again, whatever its code; a missing one is not") {
  for (bool missing : {false, true}) {
    World world;
    world.start();
    Job job = world.add("a", 1000);
    const Errc code = missing ? Errc::validator_needed : Errc::certificate_untrusted;
    world.transport->incidents.push_back(Incident{.refuse = Error(code, ErrorContext::server_certificate, "server")});
    job.resume();
    world.run_for(20ms);
    CHECK(job.state() == (missing ? JobState::error : JobState::transient_error));
  }
}
