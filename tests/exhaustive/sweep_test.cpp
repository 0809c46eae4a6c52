#include <string>
#include <system_error>

#include <doctest/doctest.h>

#include "exhaustive/small_worlds.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Scenario;
using test::SmallWorld;

namespace {

/// What fails, from which call on, and for how long.
struct Failing {
  std::uint64_t call;
  bool for_ever;
  std::error_code with;
};

/// Plays a scenario with a disk that fails, mends the disk, and ends in an orderly way. False once the scenario makes
/// fewer operations.
bool play_with_disk(const Scenario& scenario, const Failing& failing) {
  SmallWorld world;
  world.start();
  if (failing.for_ever) {
    world.disk->fail_from(failing.call, failing.with);
  } else {
    world.disk->fail_at(failing.call, failing.with);
  }
  // A disk that fails for ever is tried again for ever: no scenario runs longer than this.
  world.patience = 300s;
  world.may_leave_files = true;
  try {
    scenario.play(world);
  } catch (const std::system_error&) {
    // A queue that could not open its journal refuses commands, and this host gives up.
  }
  const bool reached = world.disk->operations() >= failing.call;
  world.disk->heal();
  // A sync that fails loses bytes, and the journal has to be told: if it cannot be written either until the process
  // dies, nobody can know. So the disk is mended while the process lives.
  world.run();
  world.end_life();
  world.disk->process_crash();
  CAPTURE(scenario.name);
  CAPTURE(failing.call);
  CAPTURE(failing.for_ever);
  CAPTURE(failing.with.message());
  std::string wrong = world.wrong_files();
  if (wrong.empty()) wrong = world.recover();
  REQUIRE(wrong == "");
  return reached;
}

bool play_with_server(const Scenario& scenario, const Failing& failing) {
  SmallWorld world;
  world.start();
  world.patience = 300s;
  world.transport->fail_from = failing.call;
  world.transport->fail_until = failing.for_ever ? ~std::uint64_t{0} : failing.call;
  world.transport->failure = Error(failing.with, ErrorContext::transport, "a test");
  scenario.play(world);
  const bool reached = world.transport->calls >= failing.call;
  world.transport->fail_from = 0;
  world.end_life();
  world.disk->process_crash();
  CAPTURE(scenario.name);
  CAPTURE(failing.call);
  CAPTURE(failing.for_ever);
  std::string wrong = world.wrong_files();
  if (wrong.empty()) wrong = world.recover();
  REQUIRE(wrong == "");
  return reached;
}

template <class Play>
std::size_t sweep(Play play, std::initializer_list<std::errc> errors) {
  std::size_t worlds = 0;
  for (const Scenario& scenario : test::scenarios()) {
    for (const bool for_ever : {false, true}) {
      for (const std::errc error : errors) {
        for (std::uint64_t call = 1; play(scenario, Failing{call, for_ever, std::make_error_code(error)}); ++call)
          ++worlds;
      }
    }
  }
  return worlds;
}

}  // namespace

TEST_CASE("every call of the storage fails once, and from there on, and nothing is lost or wrong") {
  const std::size_t worlds = sweep(play_with_disk, {std::errc::io_error, std::errc::no_space_on_device});
  CHECK(worlds > test::scenarios().size());
  MESSAGE(worlds << " worlds with a disk that failed");
}

TEST_CASE("every call of the transport fails once, and from there on, and nothing is lost or wrong") {
  const std::size_t worlds = sweep(play_with_server, {std::errc::connection_reset, std::errc::permission_denied});
  CHECK(worlds > test::scenarios().size());
  MESSAGE(worlds << " worlds with a server that failed");
}
