#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "disk/acting.hpp"
#include "disk_world.hpp"

using namespace bgxfer;

namespace {

constexpr std::uint32_t other_user = 4711;
constexpr std::uint32_t other_group = 4712;

bool is_root() {
  if (::geteuid() == 0) return true;
  MESSAGE("skipped: only root may give files away and act for others");
  return false;
}

std::shared_ptr<const PosixUser> stranger() {
  auto user = std::make_shared<PosixUser>();
  user->user = other_user;
  user->group = other_group;
  return user;
}

struct stat stat_of(const std::filesystem::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts;
}

/// An access ACL as the kernel has it (linux/posix_acl_xattr.h): owner rw, one more user r, group -, mask r, others -.
std::vector<std::byte> some_acl() {
  constexpr std::array<std::uint8_t, 44> acl{2,  0, 0, 0,                         // version
                                             1,  0, 6, 0, 255,  255,  255, 255,   // owner
                                             2,  0, 4, 0, 0x39, 0x30, 0,   0,     // user 12345
                                             4,  0, 0, 0, 255,  255,  255, 255,   // group
                                             16, 0, 4, 0, 255,  255,  255, 255,   // mask
                                             32, 0, 0, 0, 255,  255,  255, 255};  // others
  const auto bytes = std::as_bytes(std::span(acl));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> acl_of(const std::filesystem::path& path) {
  std::vector<std::byte> acl(1024);
  const ssize_t length = ::getxattr(path.c_str(), "system.posix_acl_access", acl.data(), acl.size());
  acl.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return acl;
}

/// Makes a file, gives it attributes and its name.
asio::awaitable<void> make_file(Storage& storage, FilePlace place, FileAttributes attributes, FileAclFlags wanted,
                                Result<void>& set, CommitReport& report) {
  OpenPartial request(place);
  auto opened = co_await storage.open(std::move(request));
  REQUIRE(opened);
  std::unique_ptr<PartialFile> file = *std::move(opened);
  const std::string text = "0123";
  auto written = co_await file->write(0, std::as_bytes(std::span(text)));
  REQUIRE(written);
  set = co_await file->set_attributes(attributes, wanted);
  if (!set) co_return;
  std::vector<FilePlace> places{place};
  auto synced = co_await storage.sync(places);
  REQUIRE(synced);
  CommitFile commit(place);
  commit.identity = file->identity();
  commit.preserved = wanted;
  std::vector<CommitFile> files{commit};
  report = co_await storage.commit(files);
}

}  // namespace

TEST_CASE("a file takes over what is wanted of owner, group and permissions, and nothing else (spec part 3.15)") {
  if (!is_root()) return;
  FileAttributes attributes;
  attributes.owner = other_user;
  attributes.group = other_group;
  attributes.mode = 06640;  // set-id bits never travel
  for (int bits = 0; bits <= 15; ++bits) {
    CAPTURE(bits);
    const auto wanted = static_cast<FileAclFlags>(bits);
    DiskWorld world;
    Result<void> set;
    CommitReport report;
    world.put(world.folder() / "a", "replaced");
    REQUIRE(::chmod((world.folder() / "a").c_str(), 0604) == 0);
    world.run(make_file(world.storage(), FilePlace(world.folder() / "a", "a.part"), attributes, wanted, set, report));
    REQUIRE(set);
    REQUIRE_FALSE(report.error);
    CHECK(report.done == 1);
    const struct stat facts = stat_of(world.folder() / "a");
    CHECK(facts.st_uid == (has(wanted, FileAclFlags::owner) ? other_user : ::geteuid()));
    CHECK(facts.st_gid == (has(wanted, FileAclFlags::group) ? other_group : ::getegid()));
    CHECK((facts.st_mode & 07777) == (has(wanted, FileAclFlags::dacl) ? 0640u : 0604u));
    CHECK(world.contents(world.folder() / "a") == "0123");
  }
}

TEST_CASE("a POSIX ACL is taken over, and an inherited one is not (spec part 3.15)") {
  DiskWorld world;
  Result<void> set;
  CommitReport report;
  FileAttributes attributes;
  attributes.mode = 0640;
  attributes.acl = some_acl();
  world.put(world.folder() / "probe", "");
  if (::setxattr((world.folder() / "probe").c_str(), "system.posix_acl_access", attributes.acl.data(),
                 attributes.acl.size(), 0) != 0) {
    MESSAGE("skipped: the file system of the temporary folder has no ACLs");
    return;
  }
  world.run(make_file(world.storage(), FilePlace(world.folder() / "a", "a.part"), attributes, FileAclFlags::dacl, set,
                      report));
  REQUIRE(set);
  REQUIRE_FALSE(report.error);
  CHECK(acl_of(world.folder() / "a") == some_acl());

  // Whatever is made in this folder inherits an ACL.
  REQUIRE(::setxattr(world.folder().c_str(), "system.posix_acl_default", attributes.acl.data(), attributes.acl.size(),
                     0) == 0);
  attributes.acl.clear();
  world.run(make_file(world.storage(), FilePlace(world.folder() / "b", "b.part"), attributes, FileAclFlags::dacl, set,
                      report));
  REQUIRE(set);
  REQUIRE_FALSE(report.error);
  CHECK(acl_of(world.folder() / "b").empty());
  CHECK((stat_of(world.folder() / "b").st_mode & 0777) == 0640);
}

TEST_CASE("a file is made, committed and discarded with the rights of another user (spec part 3.14)") {
  if (!is_root()) return;
  DiskWorld world;
  REQUIRE(::chown(world.folder().c_str(), other_user, other_group) == 0);
  FilePlace place(world.folder() / "a", "a.part");
  place.user = stranger();
  Result<void> set;
  CommitReport report;
  world.run(make_file(world.storage(), place, {}, FileAclFlags::none, set, report));
  REQUIRE_FALSE(report.error);
  CHECK(report.done == 1);
  const struct stat facts = stat_of(world.folder() / "a");
  CHECK(facts.st_uid == other_user);
  CHECK(facts.st_gid == other_group);

  world.put(world.folder() / "b.part", "");
  FilePlace other(world.folder() / "b", "b.part");
  other.user = stranger();
  std::vector<FilePlace> places{other};
  auto discard = [&]() -> asio::awaitable<void> {
    auto discarded = co_await world.storage().discard(places);
    CHECK(discarded);
  };
  world.run(discard());
  CHECK_FALSE(std::filesystem::exists(world.folder() / "b.part"));
}

TEST_CASE("what another user may not do is refused to who acts for that user (spec part 3.14)") {
  if (!is_root()) return;
  DiskWorld world;
  REQUIRE(::chmod(world.folder().c_str(), 0755) == 0);
  FilePlace place(world.folder() / "a", "a.part");
  place.user = stranger();
  auto open = [&]() -> asio::awaitable<void> {
    OpenPartial request(place);
    auto opened = co_await world.storage().open(std::move(request));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == std::errc::permission_denied);
    CHECK(opened.error().context() == ErrorContext::local_file);
  };
  world.run(open());

  // A folder that is open, behind one that is not.
  REQUIRE(std::filesystem::create_directory(world.folder() / "closed"));
  REQUIRE(std::filesystem::create_directory(world.folder() / "closed/open"));
  REQUIRE(::chown((world.folder() / "closed/open").c_str(), other_user, other_group) == 0);
  REQUIRE(::chmod((world.folder() / "closed").c_str(), 0700) == 0);
  place.target = world.folder() / "closed/open/a";
  REQUIRE(world.storage().check_target(place.target));  // Now the process has it open.
  world.run(open());
}

TEST_CASE("a missing privilege for attributes is a transient failure that says so (spec part 3.15)") {
  if (!is_root()) return;
  DiskWorld world;
  REQUIRE(::chown(world.folder().c_str(), other_user, other_group) == 0);
  FilePlace place(world.folder() / "a", "a.part");
  place.user = stranger();
  FileAttributes attributes;
  attributes.owner = 1;
  attributes.mode = 0444;
  Result<void> set;
  CommitReport report;
  world.run(make_file(world.storage(), place, attributes, FileAclFlags::owner | FileAclFlags::dacl, set, report));
  REQUIRE_FALSE(set);
  CHECK(set.error().code() == Errc::attributes_denied);
  CHECK(set.error().code() == Failure::transient);
  CHECK(set.error().message().find("permission denied") != std::string::npos);
  CHECK(set.error().detail() == (world.folder() / "a.part").string());
  const struct stat facts = stat_of(world.folder() / "a.part");
  CHECK(facts.st_uid == other_user);
  CHECK((facts.st_mode & 0777) == 0600);
}

TEST_CASE("a thread acts for a user and leaves every other thread as it was (spec part 3.14)") {
  if (!is_root()) return;
  using disk::detail::act_as;
  using disk::detail::acting_user;
  DiskWorld world;
  world.put(world.folder() / "a", "secret");
  REQUIRE(::chmod(world.folder().c_str(), 0755) == 0);
  REQUIRE(::chmod((world.folder() / "a").c_str(), 0600) == 0);
  const auto may_read = [&] { return world.contents(world.folder() / "a").has_value(); };
  CHECK(may_read());
  bool ran = false;
  CHECK_FALSE(act_as(stranger(), [&] {
    ran = true;
    CHECK(acting_user() == other_user);
    CHECK_FALSE(may_read());
  }));
  CHECK(ran);
  CHECK(may_read());
  CHECK(acting_user() == ::geteuid());

  // The groups of the process are not lent.
  REQUIRE(::chmod((world.folder() / "a").c_str(), 0640) == 0);
  CHECK_FALSE(act_as(stranger(), [&] { CHECK_FALSE(may_read()); }));
  auto member = std::make_shared<PosixUser>(*stranger());
  member->groups.push_back(::getegid());
  CHECK_FALSE(act_as(member, [&] { CHECK(may_read()); }));

  // Who acts for somebody without privileges cannot become somebody else.
  CHECK_FALSE(act_as(nullptr, [&] { CHECK(may_read()); }));
  CHECK_THROWS_AS(act_as(stranger(), [] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("a process without the privilege is refused, and nothing is done (spec part 3.14)") {
  // In a child that has given its privileges up for good.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(other_group) != 0 || ::setuid(other_user) != 0)) ::_exit(3);
    auto victim = std::make_shared<PosixUser>();
    victim->user = 0;
    bool ran = false;
    const std::error_code refused = disk::detail::act_as(victim, [&] { ran = true; });
    ::_exit(!ran && refused == Errc::identity_refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
