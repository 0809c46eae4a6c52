#include <algorithm>
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::World;

namespace {

HelperIdentity somebody() {
  HelperIdentity helper;
  helper.name = "somebody";
  helper.user.emplace();
  helper.user->user = 4711;
  Credentials& known = helper.credentials.emplace_back();
  known.scheme = CredentialScheme::digest;
  known.user = "user";
  known.password = "marker-secret-2";
  return helper;
}

void set_identity(JobOptions& options) {
  options.identity.usage = IdentityUsage::all;
  options.identity.helper = somebody();
}

}  // namespace

TEST_CASE("a restarted job whose helper identity is not known waits in error for it (spec parts 3.14, 1.3 T29)") {
  World world;
  world.start();
  Job job = world.add("a", 20'000'000);
  REQUIRE(job.configure(set_identity));
  REQUIRE(job.resume());
  world.run_for(50ms);
  REQUIRE(job.state() == JobState::transferring);
  world.crash();
  const auto journal = world.storage->contents("/state/queue.journal");
  REQUIRE(journal);
  const std::string bytes(reinterpret_cast<const char*>(journal->data()), journal->size());
  CHECK(bytes.find("marker-secret-2") == std::string::npos);
  CHECK(bytes.find("somebody") == std::string::npos);

  world.start();
  world.run();
  REQUIRE(world.queue->jobs().size() == 1);
  Job again = world.queue->jobs().front();
  REQUIRE(again.state() == JobState::error);
  CHECK(again.error()->code() == Errc::identity_needed);
  CHECK(again.options().identity.usage == IdentityUsage::all);
  const CommandResult refused = again.resume();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::identity_needed);
  CHECK(again.state() == JobState::error);

  REQUIRE(again.configure(set_identity));
  REQUIRE(again.resume());
  world.run();
  CHECK(again.state() == JobState::transferred);
}

TEST_CASE("a usage without an identity stops a running job, and clearing both lets it go on (spec part 3.14)") {
  World world;
  world.start();
  Job job = world.add("a", 20'000'000);
  REQUIRE(job.configure(set_identity));
  REQUIRE(job.resume());
  world.run_for(50ms);
  REQUIRE(job.state() == JobState::transferring);
  REQUIRE(job.configure([](JobOptions& options) { options.identity.helper.reset(); }));
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::identity_needed);
  CHECK(job.error()->context() == ErrorContext::queue);
  world.run();
  CHECK(job.state() == JobState::error);
  CHECK(world.transport->in_flight == 0);

  REQUIRE(job.configure([](JobOptions& options) { options.identity = IdentityOptions(); }));
  REQUIRE(job.resume());
  world.run();
  CHECK(job.state() == JobState::transferred);
}

TEST_CASE("a suspended job may lack its identity until it is resumed (spec part 3.14)") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& options) { options.identity.usage = IdentityUsage::network; }));
  CHECK(job.state() == JobState::suspended);
  CHECK_FALSE(job.resume());
  CHECK(job.state() == JobState::suspended);
}

TEST_CASE("usages and flags with unknown bits are refused, with nothing changed (spec parts 3.14, 3.15)") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  for (int bits = 0; bits < 256; ++bits) {
    CAPTURE(bits);
    const CommandResult flags =
        job.configure([bits](JobOptions& options) { options.file_acl_flags = static_cast<FileAclFlags>(bits); });
    CHECK(flags.has_value() == (bits <= 15));
    if (!flags) CHECK(flags.error().code() == Errc::invalid_argument);
    CHECK(static_cast<int>(job.options().file_acl_flags) == std::min(bits, 15));
    const CommandResult usage =
        job.configure([bits](JobOptions& options) { options.identity.usage = static_cast<IdentityUsage>(bits); });
    CHECK(usage.has_value() == (bits <= 3));
    if (!usage) CHECK(usage.error().code() == Errc::invalid_argument);
    CHECK(static_cast<int>(job.options().identity.usage) == std::min(bits, 3));
  }
}

TEST_CASE("file ACL flags are set before the job is transferred and survive a restart (spec part 3.15)") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& options) { options.file_acl_flags = FileAclFlags::all; }));
  REQUIRE(job.resume());
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  CHECK(world.transport->asked.size() == 1);
  const CommandResult late = job.configure([](JobOptions& options) { options.file_acl_flags = FileAclFlags::none; });
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == Errc::invalid_state);
  CHECK(job.configure([](JobOptions& options) { options.description = "still allowed"; }));
  world.crash();
  world.start();
  Job again = world.queue->jobs().front();
  CHECK(again.options().file_acl_flags == FileAclFlags::all);
}

TEST_CASE("servers get the credentials of the network identity, which are never shown (spec part 3.14)") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& options) {
    set_identity(options);
    options.http.credentials = options.identity.helper->credentials;
    options.http.credentials[0].password = "the job's own";
  }));
  REQUIRE(job.options().identity.helper);
  CHECK(job.options().identity.helper->name == "somebody");
  CHECK(job.options().identity.helper->credentials[0].password.empty());
  // What is not shown is not lost by an edit.
  REQUIRE(job.configure([](JobOptions& options) { options.description = "edited"; }));
  REQUIRE(job.resume());
  world.run();
  REQUIRE(world.transport->asked.size() == 1);
  REQUIRE(world.transport->asked[0].credentials.size() == 1);
  CHECK(world.transport->asked[0].credentials[0].password == "marker-secret-2");
}
