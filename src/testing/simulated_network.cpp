#include <bgxfer/testing/simulated_network.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <bgxfer/testing/simulation.hpp>

#include "random.hpp"
#include "virtual_time.hpp"

namespace bgxfer::inline v0::testing {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char left, unsigned char right) { return std::tolower(left) == std::tolower(right); });
}

std::string_view without_spaces(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error broken(std::error_code code) { return Error(code, ErrorContext::transport); }

}  // namespace

std::string_view ServerRequest::method() const noexcept { return head.substr(0, head.find(' ')); }

std::string_view ServerRequest::target() const noexcept {
  const std::string_view line = head.substr(0, head.find('\r'));
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return {};
  const std::string_view rest = line.substr(first + 1);
  return rest.substr(0, rest.find(' '));
}

std::optional<std::string_view> ServerRequest::field(std::string_view name) const noexcept {
  std::size_t begin = head.find("\r\n");
  while (begin != std::string_view::npos) {
    begin += 2;
    const std::size_t end = std::min(head.find("\r\n", begin), head.size());
    const std::string_view line = head.substr(begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_name(line.substr(0, colon), name)) {
      return without_spaces(line.substr(colon + 1));
    }
    begin = end < head.size() ? end : std::string_view::npos;
  }
  return std::nullopt;
}

ServerAnswer::ServerAnswer(std::string bytes) { send(std::move(bytes)); }

ServerAnswer::Step& ServerAnswer::add(Kind kind) {
  Step step;
  step.kind = kind;
  steps_.push_back(std::move(step));
  return steps_.back();
}

ServerAnswer& ServerAnswer::send(std::string bytes) {
  if (bytes.empty()) return *this;
  Step& step = add(Kind::send);
  step.owned = std::move(bytes);
  step.random = random_;
  step.piece_max = piece_max_;
  step.time = pause_;
  return *this;
}

ServerAnswer& ServerAnswer::send_borrowed(std::span<const std::byte> bytes) {
  if (bytes.empty()) return *this;
  Step& step = add(Kind::send);
  step.borrowed = bytes;
  step.random = random_;
  step.piece_max = piece_max_;
  step.time = pause_;
  return *this;
}

ServerAnswer& ServerAnswer::in_pieces(std::size_t bytes_max, Clock::Duration pause) {
  piece_max_ = std::max<std::size_t>(bytes_max, 1);
  pause_ = pause;
  random_ = false;
  return *this;
}

ServerAnswer& ServerAnswer::in_random_pieces(std::size_t bytes_max, Clock::Duration pause_max) {
  in_pieces(bytes_max, pause_max);
  random_ = true;
  return *this;
}

ServerAnswer& ServerAnswer::wait(Clock::Duration time) {
  add(Kind::wait).time = time;
  return *this;
}

ServerAnswer& ServerAnswer::finish() {
  add(Kind::finish);
  return *this;
}

ServerAnswer& ServerAnswer::reset(std::error_code code) {
  add(Kind::reset).code = code;
  return *this;
}

ServerAnswer& ServerAnswer::stall() {
  add(Kind::stall);
  return *this;
}

ServerAnswer& ServerAnswer::vanish() {
  add(Kind::vanish);
  return *this;
}

/// Shared with the streams, which may outlive the network.
struct SimulatedNetwork::State {
  State(std::shared_ptr<detail::VirtualTime> world_time, std::uint64_t seed)
      : time(std::move(world_time)), random(seed) {}

  [[nodiscard]] std::shared_ptr<const SimulatedServer> find(std::string_view host) const {
    auto found = servers.find(host);
    if (found == servers.end()) found = servers.find(any_host);
    return found == servers.end() ? nullptr : found->second;
  }

  const std::shared_ptr<detail::VirtualTime> time;
  detail::Random random;
  std::map<std::string, std::shared_ptr<const SimulatedServer>, std::less<>> servers;
  std::size_t open_connections = 0;
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
};

/// The client's end. The server has no coroutine of its own: its steps are taken when the client looks.
class SimulatedNetwork::Stream final : public ByteStream {
 public:
  Stream(std::shared_ptr<State> state, std::shared_ptr<const SimulatedServer> server, ConnectRequest request,
         bool public_peer)
      : state_(std::move(state)),
        server_(std::move(server)),
        request_(std::move(request)),
        number_(++state_->connections),
        public_peer_(public_peer),
        due_(state_->time->now()) {
    ++state_->open_connections;
  }
  ~Stream() override { --state_->open_connections; }

  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
    for (;;) {
      if (closed_) co_return broken(std::make_error_code(std::errc::operation_canceled));
      const Clock::TimePoint due = next_due();
      if (due <= state_->time->now()) co_return take(into);
      // A cancellation that came while nothing was pending left no trace but this.
      const asio::cancellation_state before = co_await asio::this_coro::cancellation_state;
      if (before.cancelled() == asio::cancellation_type::none) co_await state_->time->sleep_until(due, alarm_);
      const asio::cancellation_state after = co_await asio::this_coro::cancellation_state;
      if (after.cancelled() != asio::cancellation_type::none) {
        co_return Error(Errc::cancelled, ErrorContext::transport);
      }
    }
  }

  asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) override { co_return receive(bytes); }

  void close() noexcept override {
    closed_ = true;
    state_->time->wake(alarm_);
  }

  bool reusable() noexcept override {
    if (closed_) return false;
    // What a poll of the socket would show: a message, an end, or nothing.
    if (next_due() > state_->time->now()) return true;
    return steps_.front().kind == Kind::vanish;
  }

  bool public_peer() const noexcept override { return public_peer_; }

 private:
  using Kind = ServerAnswer::Kind;
  using Step = ServerAnswer::Step;

  /// When the next step that a client can notice is due. Waits are passed on the way.
  Clock::TimePoint next_due() noexcept {
    while (!steps_.empty() && steps_.front().kind == Kind::wait) {
      due_ += steps_.front().time;
      steps_.pop_front();
    }
    if (steps_.empty() || steps_.front().kind == Kind::stall) return Clock::TimePoint::max();
    return due_;
  }

  Result<std::size_t> take(std::span<std::byte> into) {
    Step& step = steps_.front();
    if (step.kind == Kind::finish) return std::size_t{0};
    if (step.kind != Kind::send) {
      return broken(step.kind == Kind::reset ? step.code : std::make_error_code(std::errc::connection_reset));
    }
    if (into.empty()) return std::size_t{0};
    std::span<const std::byte> bytes = step.owned.empty() ? step.borrowed : std::as_bytes(std::span(step.owned));
    bytes = bytes.subspan(sent_);
    std::size_t piece = std::min({bytes.size(), into.size(), step.piece_max});
    if (step.random) piece = 1 + static_cast<std::size_t>(state_->random.below(piece));
    std::memcpy(into.data(), bytes.data(), piece);
    sent_ += piece;
    if (step.time > Clock::Duration{0}) {
      const auto pause_max = static_cast<std::uint64_t>(step.time.count());
      due_ += step.random ? Clock::Duration{static_cast<Clock::Duration::rep>(state_->random.below(pause_max + 1))}
                          : step.time;
    }
    if (piece == bytes.size()) {
      steps_.pop_front();
      sent_ = 0;
    }
    return piece;
  }

  Result<void> receive(std::span<const std::byte> bytes) {
    if (closed_) return broken(std::make_error_code(std::errc::operation_canceled));
    // A server that has gone takes a first write into its grave; the next read tells.
    if (server_left()) return {};
    inbox_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (std::optional<std::size_t> size = request_size()) {
      answer(std::string_view(inbox_).substr(0, *size));
      inbox_.erase(0, *size);
      if (server_left()) break;
    }
    if (inbox_.size() > request_bytes_max) answer_with(ServerAnswer().reset());
    return {};
  }

  [[nodiscard]] bool server_left() const noexcept {
    if (steps_.empty()) return false;
    const Kind last = steps_.back().kind;
    return last == Kind::finish || last == Kind::reset || last == Kind::vanish;
  }

  /// Of the first request in the inbox, once all of it is there.
  [[nodiscard]] std::optional<std::size_t> request_size() const {
    const std::size_t end = inbox_.find(head_end);
    if (end == std::string::npos) return std::nullopt;
    ServerRequest request;
    request.head = std::string_view(inbox_).substr(0, end + head_end.size());
    std::size_t body = 0;
    if (const std::optional<std::string_view> length = request.field("content-length")) {
      std::from_chars(length->data(), length->data() + length->size(), body);
    }
    if (inbox_.size() - request.head.size() < body) return std::nullopt;
    return request.head.size() + body;
  }

  void answer(std::string_view text) {
    ++state_->requests;
    ServerRequest request;
    request.host = request_.host;
    request.port = request_.port;
    request.secure = request_.secure;
    request.connection = number_;
    request.number = ++requests_;
    request.head = text.substr(0, text.find(head_end) + head_end.size());
    request.body = text.substr(request.head.size());
    answer_with(server_->answer(request));
  }

  void answer_with(ServerAnswer answer) {
    if (steps_.empty()) due_ = std::max(due_, state_->time->now());
    for (Step& step : answer.steps_) steps_.push_back(std::move(step));
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<const SimulatedServer> server_;
  const ConnectRequest request_;
  const std::uint64_t number_;
  const bool public_peer_;
  std::uint64_t requests_ = 0;
  std::string inbox_;
  std::deque<Step> steps_;
  std::size_t sent_ = 0;  // of the first step
  Clock::TimePoint due_;  // of the first step
  detail::VirtualTime::Alarm alarm_;
  bool closed_ = false;
};

SimulatedNetwork::SimulatedNetwork(Simulation& simulation, std::uint64_t seed)
    : state_(std::make_shared<State>(simulation.virtual_time(), seed)) {}

SimulatedNetwork::~SimulatedNetwork() = default;

void SimulatedNetwork::serve(std::string_view host, SimulatedServer server) {
  state_->servers[std::string(host)] = std::make_shared<const SimulatedServer>(std::move(server));
}

void SimulatedNetwork::remove(std::string_view host) {
  const auto found = state_->servers.find(host);
  if (found != state_->servers.end()) state_->servers.erase(found);
}

std::size_t SimulatedNetwork::open_connections() const noexcept { return state_->open_connections; }

std::uint64_t SimulatedNetwork::connections() const noexcept { return state_->connections; }

std::uint64_t SimulatedNetwork::requests() const noexcept { return state_->requests; }

asio::awaitable<Result<std::unique_ptr<ByteStream>>> SimulatedNetwork::connect(ConnectRequest request) {
  const std::shared_ptr<State> state = state_;
  const std::shared_ptr<const SimulatedServer> server = state->find(request.host);
  if (!server) co_return Error(asio::error::host_not_found, ErrorContext::transport, request.host);
  const ConnectAnswer door = server->accept ? server->accept(request) : ConnectAnswer();
  const bool late = door.delay >= request.timeout;
  if (door.delay > Clock::Duration{0}) {
    const Clock::TimePoint until = state->time->now() + std::min<Clock::Duration>(door.delay, request.timeout);
    detail::VirtualTime::Alarm alarm;
    const asio::cancellation_state before = co_await asio::this_coro::cancellation_state;
    if (before.cancelled() == asio::cancellation_type::none) co_await state->time->sleep_until(until, alarm);
    const asio::cancellation_state after = co_await asio::this_coro::cancellation_state;
    if (after.cancelled() != asio::cancellation_type::none) co_return Error(Errc::cancelled, ErrorContext::transport);
  }
  if (late) co_return Error(Errc::connect_timeout, ErrorContext::transport, request.host);
  if (door.refusal) co_return Error(door.refusal, ErrorContext::transport, request.host);
  if (request.public_addresses_only && !door.public_peer) {
    co_return Error(Errc::blocked_address, ErrorContext::transport, request.host);
  }
  std::unique_ptr<ByteStream> stream = std::make_unique<Stream>(state, server, std::move(request), door.public_peer);
  co_return stream;
}

}  // namespace bgxfer::inline v0::testing
