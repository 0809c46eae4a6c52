#ifndef BGXFER_TESTING_SIMULATED_NETWORK_HPP
#define BGXFER_TESTING_SIMULATED_NETWORK_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/network.hpp>

namespace bgxfer::inline v0::testing {

class Simulation;

/// A request as its bytes came over a simulated connection. The views are good until the handler returns.
struct ServerRequest {
  std::string_view host{};  ///< Whom the client connected to; what the Host field says may differ.
  std::uint16_t port = 0;
  bool secure = false;           ///< The client asked for TLS. The bytes here are those inside of it.
  std::uint64_t connection = 0;  ///< Number of the connection in its network, from 1.
  std::uint64_t number = 0;      ///< Number of the request on its connection, from 1.
  std::string_view head{};       ///< From the request line to the empty line, both included.
  std::string_view body{};       ///< As long as Content-Length says.

  [[nodiscard]] std::string_view method() const noexcept;
  [[nodiscard]] std::string_view target() const noexcept;
  /// Value of the first field of that name, in any case, without the spaces around it; empty if there is none.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
};

/// What a server does in answer to a request: steps, in order. Nothing is added to the bytes: status line, fields and
/// framing, right or wrong, are the script's.
class BGXFER_API ServerAnswer {
 public:
  static constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

  ServerAnswer() = default;
  /// An answer that sends these bytes and keeps the connection open.
  ServerAnswer(std::string bytes);  // NOLINT: a text is an answer.
  ServerAnswer(const char* bytes) : ServerAnswer(std::string(bytes)) {}

  ServerAnswer& send(std::string bytes);
  /// As `send`, without a copy: the bytes outlive the network.
  ServerAnswer& send_borrowed(std::span<const std::byte> bytes);
  /// Each read of what is sent from here on yields at most so many bytes (1: byte by byte), each piece `pause` after
  /// the one before it.
  ServerAnswer& in_pieces(std::size_t bytes_max, Clock::Duration pause = Clock::Duration{0});
  /// The same with sizes from 1 to `bytes_max` and pauses from zero to `pause_max`, drawn from the network's seed.
  ServerAnswer& in_random_pieces(std::size_t bytes_max, Clock::Duration pause_max = Clock::Duration{0});
  ServerAnswer& wait(Clock::Duration time);
  /// Ends the stream properly (FIN; over TLS: with close_notify).
  ServerAnswer& finish();
  /// Breaks the connection: the client's read fails with `code`. Over TLS, a FIN without close_notify is such a break
  /// too.
  ServerAnswer& reset(std::error_code code = std::make_error_code(std::errc::connection_reset));
  /// Never says another word, and keeps the connection open.
  ServerAnswer& stall();
  /// The server is gone, and the client cannot know before it uses the connection again: a stale keep-alive.
  ServerAnswer& vanish();

 private:
  friend class SimulatedNetwork;
  enum class Kind : std::uint8_t { send, wait, finish, reset, stall, vanish };
  struct Step {
    Kind kind = Kind::send;
    bool random = false;  ///< Of `send`: pieces and pauses are drawn.
    std::size_t piece_max = whole;
    Clock::Duration time{0};  ///< Of `wait`; of `send`: the pause.
    std::string owned{};
    std::span<const std::byte> borrowed{};
    std::error_code code{};
  };
  Step& add(Kind kind);

  std::vector<Step> steps_;
  std::size_t piece_max_ = whole;
  Clock::Duration pause_{0};
  bool random_ = false;
};

/// How a server takes a connection.
struct ConnectAnswer {
  Clock::Duration delay{
      0};  ///< Name, TCP and TLS together. From `ConnectRequest::timeout` on: `Errc::connect_timeout`.
  std::error_code refusal{};  ///< After the delay. Empty: the connection stands.
  bool public_peer = true;  ///< False: refused with `Errc::blocked_address` where only public addresses are asked for.
};

/// What stands behind a host name. Called within the client's step; may change the test's state, not the network.
struct SimulatedServer {
  std::function<ServerAnswer(const ServerRequest&)> answer{};
  std::function<ConnectAnswer(const ConnectRequest&)> accept{};  ///< Empty: every connection stands at once.
};

/// A `Network` without sockets, in the virtual time of a `Simulation`: servers are scripts that get the bytes of a
/// request and answer with bytes, pauses, pieces, resets, stalls and ends. The HTTP transport on it is the real one.
///
///     testing::Simulation simulation(seed);
///     auto network = std::make_shared<testing::SimulatedNetwork>(simulation, seed);
///     testing::SimulatedServer server;
///     server.answer = [](const testing::ServerRequest& request) -> testing::ServerAnswer {
///       if (request.target() != "/file") return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
///       return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
///     };
///     network->serve("server", server);
///     http::TransportOptions options;
///     options.network = network;
///     options.clock = simulation.clock();
///     queue_options.transport = http::make_transport(options);
///
/// A server's bytes go out at the times that its answer says, whether or not the client reads: what the client did not
/// take yet waits in a buffer without limit. Writes are taken at once. One step of a server is one read of the client,
/// so pieces are never put together again. Used by one thread; the simulation outlives the network.
class BGXFER_API SimulatedNetwork final : public Network {
 public:
  /// Bytes of one request, head and body; a client that sends more finds the connection reset.
  static constexpr std::size_t request_bytes_max = std::size_t{64} << 20;
  /// The name under which a server stands in for every host that has none.
  static constexpr std::string_view any_host = "*";

  explicit SimulatedNetwork(Simulation& simulation, std::uint64_t seed = 0);
  ~SimulatedNetwork() override;
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;

  /// Puts a server behind a host name, in place of the one that was there. Connections that exist stay with theirs.
  /// A host without a server cannot be resolved.
  void serve(std::string_view host, SimulatedServer server);
  /// Takes the server away.
  void remove(std::string_view host);

  /// Connections that clients hold now, kept ones included.
  [[nodiscard]] std::size_t open_connections() const noexcept;
  /// Connections that stood so far.
  [[nodiscard]] std::uint64_t connections() const noexcept;
  /// Requests that reached a server so far.
  [[nodiscard]] std::uint64_t requests() const noexcept;

  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(ConnectRequest request) override;

 private:
  struct State;
  class Stream;
  std::shared_ptr<State> state_;
};

}  // namespace bgxfer::inline v0::testing

#endif
