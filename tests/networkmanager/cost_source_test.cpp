#include <bgxfer/networkmanager/cost_source.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <systemd/sd-bus.h>
#include <asio/io_context.hpp>

using namespace std::chrono_literals;
using bgxfer::CostState;
using bgxfer::NetworkCost;

namespace {

constexpr const char* daemon_program = "/usr/bin/dbus-daemon";

/// A bus of the test's own, until it dies.
class Bus {
 public:
  Bus() {
    char pattern[] = "/tmp/bgxfer-bus-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    std::ofstream(folder_ / "bus.conf") << "<busconfig><type>session</type><listen>" << address()
                                        << "</listen><policy context=\"default\"><allow send_destination=\"*\"/>"
                                           "<allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>\n";
    // It prints its address once it listens; the socket's file is there before that, and refuses.
    int ready[2];
    REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ready[1], STDOUT_FILENO);
    const std::string config = "--config-file=" + (folder_ / "bus.conf").string();
    const char* arguments[] = {daemon_program, config.c_str(), "--nofork", "--nopidfile", "--print-address=1", nullptr};
    const int failed =
        ::posix_spawn(&process_, daemon_program, &actions, nullptr, const_cast<char* const*>(arguments), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ready[1]);
    char printed = 0;
    const bool listens = failed == 0 && ::read(ready[0], &printed, 1) == 1;
    ::close(ready[0]);
    REQUIRE(listens);
  }
  ~Bus() {
    end();
    std::filesystem::remove_all(folder_);
  }
  void end() {
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  [[nodiscard]] std::string address() const { return "unix:path=" + (folder_ / "bus").string(); }

 private:
  std::filesystem::path folder_;
  pid_t process_ = 0;
};

/// What of NetworkManager is asked for: one property, on a thread of its own.
class FakeNetworkManager {
 public:
  FakeNetworkManager(const std::string& address, std::uint32_t metered) : metered_(metered), sent_(metered) {
    REQUIRE(sd_bus_new(&bus_) >= 0);
    REQUIRE(sd_bus_set_address(bus_, address.c_str()) >= 0);
    REQUIRE(sd_bus_set_bus_client(bus_, 1) >= 0);
    REQUIRE(sd_bus_start(bus_) >= 0);
    static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Metered", "u", &FakeNetworkManager::get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END};
    REQUIRE(sd_bus_add_object_vtable(bus_, nullptr, "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager",
                                     vtable, this) >= 0);
    REQUIRE(sd_bus_request_name(bus_, "org.freedesktop.NetworkManager", 0) >= 0);
    thread_ = std::thread(&FakeNetworkManager::serve, this);
  }
  ~FakeNetworkManager() {
    ending_ = true;
    thread_.join();
    sd_bus_flush_close_unref(bus_);
  }
  void set(std::uint32_t metered) { metered_ = metered; }

 private:
  static int get(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self, sd_bus_error*) {
    return sd_bus_message_append(reply, "u", static_cast<FakeNetworkManager*>(self)->metered_.load());
  }
  void serve() {
    while (!ending_) {
      if (sent_ != metered_) {
        sent_ = metered_;
        sd_bus_emit_properties_changed(bus_, "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager",
                                       "Metered", nullptr);
      }
      while (sd_bus_process(bus_, nullptr) > 0) {
      }
      sd_bus_wait(bus_, 5'000);
    }
  }

  sd_bus* bus_ = nullptr;
  std::atomic<std::uint32_t> metered_;
  std::uint32_t sent_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

/// A host with an event loop, and what it was told.
struct Host {
  asio::io_context io;
  std::vector<NetworkCost> told;
  std::unique_ptr<bgxfer::networkmanager::CostSource> source;

  explicit Host(const std::string& address) {
    bgxfer::networkmanager::CostSourceOptions options;
    options.bus_address = address;
    auto made = bgxfer::networkmanager::make_cost_source(
        io.get_executor(), [this](NetworkCost cost) { told.push_back(cost); }, options);
    REQUIRE(made);
    source = *std::move(made);
  }
  bool hears(std::size_t count, CostState last) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (told.size() < count && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
    return told.size() == count && told.back().state == last;
  }
};

bool there() {
  if (std::filesystem::exists(daemon_program)) return true;
  MESSAGE("skipped: there is no ", daemon_program);
  return false;
}

}  // namespace

TEST_CASE("9.5: a metered network is a capped plan, and every change is told once") {
  if (!there()) return;
  Bus bus;
  FakeNetworkManager manager(bus.address(), 2);
  Host host(bus.address());
  CHECK(host.hears(1, CostState::unrestricted));
  manager.set(1);
  CHECK(host.hears(2, CostState::capped_usage_unknown));
  manager.set(4);
  CHECK(host.hears(3, CostState::unrestricted));
  manager.set(3);
  CHECK(host.hears(4, CostState::capped_usage_unknown));
  host.source.reset();
  host.io.run_for(10s);
  CHECK(host.io.stopped());  // Nothing is left to wait for.
  CHECK(host.told.size() == 4);
}

TEST_CASE("9.5: without NetworkManager the cost is unknown, until one comes, and again when it goes") {
  if (!there()) return;
  Bus bus;
  Host host(bus.address());
  CHECK(host.hears(1, CostState::unrestricted));
  {
    FakeNetworkManager manager(bus.address(), 1);
    CHECK(host.hears(2, CostState::capped_usage_unknown));
  }
  CHECK(host.hears(3, CostState::unrestricted));
}

TEST_CASE("9.5: when the bus itself goes the cost is unknown, and the loop has nothing left to do") {
  if (!there()) return;
  Bus bus;
  FakeNetworkManager manager(bus.address(), 1);
  Host host(bus.address());
  CHECK(host.hears(1, CostState::capped_usage_unknown));
  bus.end();
  CHECK(host.hears(2, CostState::unrestricted));
  host.io.run_for(10s);
  CHECK(host.io.stopped());
}

TEST_CASE("9.5: a host may end the source from within its own callback") {
  if (!there()) return;
  Bus bus;
  FakeNetworkManager manager(bus.address(), 1);
  asio::io_context io;
  std::unique_ptr<bgxfer::networkmanager::CostSource> source;
  int calls = 0;
  bgxfer::networkmanager::CostSourceOptions options;
  options.bus_address = bus.address();
  auto made = bgxfer::networkmanager::make_cost_source(
      io.get_executor(),
      [&](NetworkCost) {
        ++calls;
        source.reset();
      },
      options);
  REQUIRE(made);
  source = *std::move(made);
  io.run_for(20s);
  CHECK(calls == 1);
  CHECK(io.stopped());
}

TEST_CASE("9.5: a bus that is not there is an error, not silence") {
  asio::io_context io;
  bgxfer::networkmanager::CostSourceOptions options;
  options.bus_address = "unix:path=/nonexistent/bus";
  const auto made = bgxfer::networkmanager::make_cost_source(
      io.get_executor(), [](NetworkCost) {}, options);
  REQUIRE(!made);
  CHECK(made.error().message().find("D-Bus") != std::string::npos);
}
