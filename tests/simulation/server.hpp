#ifndef BGXFER_TESTS_SIMULATION_SERVER_HPP
#define BGXFER_TESTS_SIMULATION_SERVER_HPP

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/transport.hpp>

#include "swarm.hpp"
#include "trace.hpp"

namespace bgxfer::simulation {

/// One version of a resource. Its bytes are a window of one long random text, so that versions differ everywhere.
struct Version {
  std::span<const std::byte> bytes;
  std::string validator;  ///< Empty: the server gives none.
};

struct Resource {
  std::vector<Version> versions;  ///< The last one is served.
  bool sized = true;
  bool delimited = true;
};

/// A digest that is quick instead of secure: the engine only compares.
[[nodiscard]] std::unique_ptr<Sha256Stream> quick_digest();

/// A server behind the transport's door, in virtual time, with the faults of the swarm.
class Server final : public Transport {
 public:
  Server(std::shared_ptr<Clock> clock, Random random, Swarm swarm, Trace& trace)
      : clock_(std::move(clock)), random_(random), swarm_(swarm), trace_(trace) {}

  /// Called when bytes are about to be asked for.
  std::function<void(const std::string& url)> on_read;

  void add(const std::string& url);
  [[nodiscard]] const Resource& resource(const std::string& url) const { return resources_.at(url); }
  /// From here on everything is well.
  void heal() { healthy_ = true; }
  [[nodiscard]] std::size_t in_flight() const { return *in_flight_; }
  /// The clients are dead, whether or not anything of them is left in memory.
  void lose_clients() { in_flight_ = std::make_shared<std::size_t>(0); }

  Result<void> check_url(std::string_view url) const override;
  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override;
  void network_changed() noexcept override {}

 private:
  class Body;

  [[nodiscard]] bool happens(Fault fault, double probability) {
    return swarm_.has(fault) && !healthy_ && random_.chance(probability);
  }
  void add_version(Resource& resource);
  asio::awaitable<bool> wait(Clock::Duration time);

  std::shared_ptr<Clock> clock_;
  Random random_;
  const Swarm swarm_;
  Trace& trace_;
  std::map<std::string, Resource> resources_;
  std::shared_ptr<std::size_t> in_flight_ = std::make_shared<std::size_t>(0);  // Of this life of the client.
  bool healthy_ = false;
};

}  // namespace bgxfer::simulation

#endif
