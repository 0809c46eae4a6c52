#include <bgxfer/legacy/group.hpp>

#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using test::World;

namespace {

legacy::Guid guid(std::uint64_t number) { return legacy::Guid::from_random(number, number); }

legacy::FileSetInfo file_set(World& world, const std::string& name, std::size_t bytes) {
  const FileSpec spec = world.file(name, bytes);
  return {spec.url, spec.target, 77};
}

struct Listener final : legacy::GroupObserver {
  bool on_status(const legacy::GroupStatus& status) override {
    heard.push_back(status);
    return handled;
  }
  std::vector<legacy::GroupStatus> heard;
  bool handled = true;
};

}  // namespace

TEST_CASE("12.1: a group has the id that the caller chose, one job, and starts suspended") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  CHECK(group.id() == guid(1));
  CHECK(manager.create_group(guid(1)).error().code() == Errc::invalid_argument);
  CHECK(manager.find_group(guid(2)).error().code() == Errc::not_found);
  CHECK(manager.groups() == std::vector{guid(1)});
  CHECK(group.jobs().empty());
  CHECK(group.status() == (legacy::group_incomplete | legacy::group_suspended));

  legacy::GroupJob job = group.create_job(guid(9)).value();
  CHECK(job.id() == guid(9));
  CHECK(group.jobs() == std::vector{guid(9)});
  CHECK(group.create_job(guid(10)).error().code() == std::errc::not_supported);
  CHECK(group.find_job(guid(9)));
  CHECK(group.find_job(guid(10)).error().code() == Errc::not_found);
  CHECK(manager.create_group(legacy::Guid{}).error().code() == Errc::invalid_argument);
}

TEST_CASE("12.1: a job is not made in a group that runs") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  group.modern_job().add({world.file("a", 1000)});
  group.resume();
  CHECK(group.create_job(guid(2)).error().code() == Errc::invalid_state);
}

TEST_CASE("12.1, 12.4: a group downloads, tells that it is done, and its files stay when it is cancelled") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  legacy::GroupJob job = group.create_job(guid(2)).value();
  REQUIRE(job.add_files({file_set(world, "a", 3000), file_set(world, "b", 1000)}));
  CHECK(job.file_count() == 2);
  CHECK(job.file(1)->remote_name == "http://server/b");
  CHECK(job.file(2).error().code() == Errc::not_found);
  CHECK(group.size() == 0);

  auto listener = std::make_shared<Listener>();
  const Subscription subscription = group.set_observer(listener);
  REQUIRE(group.resume());
  world.run();
  CHECK(group.size() == 4000);
  CHECK(group.progress(legacy::ProgressKind::percent_done).value() == 100);
  CHECK(group.progress(legacy::ProgressKind::bytes_done).value() == 4000);
  CHECK(group.progress(legacy::ProgressKind::time_done).error().code() == std::errc::not_supported);
  CHECK(group.status() == (legacy::group_complete | legacy::group_suspended));
  CHECK(job.status().bits == legacy::job_complete);
  REQUIRE(listener->heard.size() == 1);
  CHECK(listener->heard[0].group == guid(1));
  CHECK(listener->heard[0].job == guid(2));
  CHECK_FALSE(listener->heard[0].file);

  REQUIRE(group.cancel());
  world.run();
  CHECK(world.contents("a") == test::content(3000));
  CHECK(manager.groups().empty());
}

TEST_CASE("12.4: an error is always told, with the file and the status of the server") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  legacy::GroupJob job = group.create_job(guid(2)).value();
  REQUIRE(job.add_files({file_set(world, "a", 3000), {"http://server/missing", "/files/missing", 0}}));
  REQUIRE(group.set_property(legacy::GroupProperty::notify_flags, std::uint32_t{0}));
  auto listener = std::make_shared<Listener>();
  const Subscription subscription = group.set_observer(listener);
  REQUIRE(group.resume());
  world.run();
  REQUIRE(listener->heard.size() == 1);
  CHECK(listener->heard[0].file == 1u);
  CHECK(listener->heard[0].job_status.transport_error == 404);
  CHECK((group.status() & legacy::group_error) != 0);
  CHECK(job.status().bits == (legacy::job_incomplete | legacy::job_error));
  CHECK(job.status().retries == 1);
}

TEST_CASE("12.3: properties are taken, refused or were never supported, as the table says") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  using legacy::GroupProperty;
  using legacy::PropertyValue;
  const auto set = [&group](GroupProperty which, PropertyValue value) {
    const Result<void> done = group.set_property(which, std::move(value));
    return done ? std::error_code() : done.error().code();
  };
  CHECK_FALSE(set(GroupProperty::priority, 1u));
  CHECK(set(GroupProperty::priority, 2u) == Errc::invalid_argument);
  CHECK_FALSE(set(GroupProperty::protocol_flags, 1u));
  CHECK(set(GroupProperty::protocol_flags, 2u) == Errc::invalid_argument);
  CHECK_FALSE(set(GroupProperty::notify_flags, 0x44u));
  CHECK(set(GroupProperty::notify_flags, 0x01u) == Errc::invalid_argument);
  CHECK(set(GroupProperty::notify_flags, std::string("4")) == Errc::invalid_argument);
  CHECK_FALSE(set(GroupProperty::notify_class_id, std::string("{0}")));
  CHECK_FALSE(set(GroupProperty::display_name, std::string("patch")));
  CHECK_FALSE(set(GroupProperty::description, std::string("all of it")));
  CHECK(set(GroupProperty::description, 7u) == Errc::invalid_argument);
  CHECK(set(GroupProperty::display_name, std::string(257, 'x')) == Errc::string_too_long);
  for (const GroupProperty never :
       {GroupProperty::remote_user_id, GroupProperty::remote_user_password, GroupProperty::local_user_id,
        GroupProperty::local_user_password, GroupProperty::progress_size, GroupProperty::progress_percent,
        GroupProperty::progress_time}) {
    CHECK(set(never, 1u) == std::errc::not_supported);
    CHECK(group.property(never).error().code() == std::errc::not_supported);
  }
  CHECK(group.property(GroupProperty::display_name).value() == PropertyValue("patch"));
  CHECK(group.property(GroupProperty::description).value() == PropertyValue("all of it"));
  CHECK(group.property(GroupProperty::notify_flags).value() == PropertyValue(0x44u));
  CHECK(group.property(GroupProperty::notify_class_id).value() == PropertyValue("{0}"));
  CHECK(group.property(GroupProperty::priority).value() == PropertyValue(1u));
  CHECK(group.property(GroupProperty::protocol_flags).value() == PropertyValue(1u));
}

TEST_CASE("12.1: groups survive a restart, and jobs of the new kind are no groups") {
  World world;
  {
    legacy::QueueManager manager(world.start());
    manager.create_group(guid(1)).value().create_job(guid(2)).value();
    world.add("a", 10);
    world.run_ready();
  }
  world.crash();
  legacy::QueueManager manager(world.start());
  CHECK(manager.groups() == std::vector{guid(1)});
  CHECK(manager.find_group(guid(1)).value().jobs() == std::vector{guid(2)});
}

TEST_CASE("12.1: a group is switched to the foreground, suspended and resumed") {
  World world;
  legacy::QueueManager manager(world.start());
  legacy::Group group = manager.create_group(guid(1)).value();
  legacy::GroupJob job = group.create_job(guid(2)).value();
  REQUIRE(job.add_files({file_set(world, "a", 30'000'000)}));
  REQUIRE(job.switch_to_foreground());
  CHECK((group.status() & legacy::group_foreground) != 0);
  REQUIRE(group.switch_to_foreground());
  REQUIRE(group.resume());
  world.run_ready();
  CHECK((group.status() & legacy::group_suspended) == 0);
  REQUIRE(group.suspend());
  CHECK((group.status() & legacy::group_suspended) != 0);
  REQUIRE(job.cancel());
  world.run();
  CHECK_FALSE(world.contents("a"));
  CHECK(group.modern_job().state() == JobState::completed);
}
