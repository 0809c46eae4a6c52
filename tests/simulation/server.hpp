#ifndef BGXFER_TESTS_SIMULATION_SERVER_HPP
#define BGXFER_TESTS_SIMULATION_SERVER_HPP

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/clock.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/testing/simulated_network.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "swarm.hpp"
#include "trace.hpp"

namespace bgxfer::simulation {

/// One version of a resource. No byte of it is that of any of the versions before it.
struct Version {
  std::span<const std::byte> bytes{};
  std::string etag{};      ///< As in the field: weak ones too. Empty: none.
  std::string modified{};  ///< Last-Modified; empty: none.
  bool strong = false;     ///< One of them proves that two responses carry the same bytes.
};

/// What a mirror has to do with its resource.
enum class Mirror : std::uint8_t { same, differs, dead };

struct Resource {
  std::vector<Version> versions{};  ///< The last one is served.
  std::vector<Version> pages{};     ///< What others said in its name, with a status of 200.
  std::array<Mirror, 2> mirrors{};  ///< By the number of their host.
  Version other{};                  ///< What mirrors have that differ.
  bool sized = true;
  bool delimited = true;
  bool down = false;    ///< Mirrors alone have it, until the faults stop.
  bool moved = false;   ///< Its own place only redirects, however well all is.
  bool secure = false;  ///< Wanted by https: never to be asked for without.
};

/// A digest that is quick instead of secure: the engine only compares.
[[nodiscard]] std::unique_ptr<Sha256Stream> quick_digest();

/// An HTTP server at every name of a simulated network, with the faults of the swarm (bad-servers.md parts 1 to 6).
class Server {
 public:
  Server(testing::Simulation& simulation, Random random, Swarm swarm, Trace& trace);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Told of requests that must never be made.
  std::function<void(std::string what)> on_wrong;

  [[nodiscard]] std::shared_ptr<Network> network() const { return network_; }
  void add(const std::string& path, bool secure);
  /// Who wants the resource knows mirrors of it: its own place may be down.
  void rely_on_mirrors(const std::string& path);
  /// The hosts of mirrors, by number.
  [[nodiscard]] static std::string mirror_host(std::size_t number) { return "mirror" + std::to_string(number); }
  [[nodiscard]] const Resource& resource(const std::string& path) const { return resources_.at(path); }
  /// From here on everything is well.
  void heal() { healthy_ = true; }
  /// Everything is well after so many faults.
  void stop_faults_after(std::uint64_t faults) { faults_max_ = faults; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  /// How many requests for what is wanted by https there were.
  [[nodiscard]] std::uint64_t secure_requests() const { return secure_requests_; }
  [[nodiscard]] std::size_t open_connections() const { return network_->open_connections(); }

 private:
  class Reply;

  [[nodiscard]] bool happens(Fault fault, double probability) {
    if (!swarm_.has(fault) || healthy_ || !random_.chance(probability) || faults_ >= faults_max_) return false;
    ++faults_;
    return true;
  }
  void add_version(Resource& resource);
  Version make_version(const Resource& resource, std::size_t number);
  [[nodiscard]] static Mirror mirror_of(const testing::ServerRequest& request, const Resource& resource);
  testing::ConnectAnswer accept();
  testing::ServerAnswer answer(const testing::ServerRequest& request);
  bool answer_without_head(testing::ServerAnswer& answer);
  bool answer_with_status(Reply& reply, const testing::ServerRequest& request, Resource& resource);
  bool answer_with_redirect(Reply& reply, const testing::ServerRequest& request, const Resource& resource);
  void answer_with_bytes(Reply& reply, const testing::ServerRequest& request, Resource& resource);

  std::shared_ptr<Clock> clock_;
  Random random_;
  const Swarm swarm_;
  Trace& trace_;
  std::map<std::string, Resource, std::less<>> resources_;
  std::shared_ptr<testing::SimulatedNetwork> network_;
  bool healthy_ = false;
  std::uint64_t faults_ = 0;
  std::uint64_t faults_max_ = 0;
  std::uint64_t secure_requests_ = 0;
};

}  // namespace bgxfer::simulation

#endif
