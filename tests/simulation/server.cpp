#include "server.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace bgxfer::simulation {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t pool_bytes = 1 << 20;

/// Long, random, made once.
const std::vector<std::byte>& pool() {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> made(pool_bytes);
    Random random(7);
    for (std::byte& byte : made) byte = static_cast<std::byte>(random.next());
    return made;
  }();
  return bytes;
}

class QuickDigest final : public Sha256Stream {
 public:
  void update(std::span<const std::byte> bytes) override {
    for (std::byte byte : bytes) state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
  }
  Sha256 finish() override {
    Sha256 value;
    Random random(state_);
    for (std::byte& byte : value.bytes) byte = static_cast<std::byte>(random.next());
    return value;
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

Error gone(std::error_code code, const std::string& url) { return Error(code, ErrorContext::transport, url); }

}  // namespace

std::unique_ptr<Sha256Stream> quick_digest() { return std::make_unique<QuickDigest>(); }

void Server::add(const std::string& url) {
  Resource& resource = resources_[url];
  resource.sized = !(swarm_.has(Fault::unsized) && random_.chance(0.4));
  if (swarm_.has(Fault::undelimited) && random_.chance(0.3)) {
    resource.sized = false;
    resource.delimited = false;
  }
  add_version(resource);
}

void Server::add_version(Resource& resource) {
  std::size_t size = static_cast<std::size_t>(
      random_.below(std::array<std::uint64_t, 5>{2, 600, 9'000, 60'000, 96'000}[random_.below(5)]));
  // The most dangerous change leaves the size as it was.
  if (!resource.versions.empty() && random_.chance(0.6)) size = resource.versions.back().bytes.size();
  const auto begin = static_cast<std::size_t>(random_.below(pool_bytes - size));
  Version version;
  version.bytes = std::span(pool()).subspan(begin, size);
  if (!(swarm_.has(Fault::no_validator) && random_.chance(0.5))) {
    version.validator = "\"v" + std::to_string(resource.versions.size() + 1) + "\"";
  }
  resource.versions.push_back(std::move(version));
}

Result<void> Server::check_url(std::string_view url) const {
  if (url.starts_with("http://")) return {};
  return Error(Errc::invalid_url, ErrorContext::queue, std::string(url));
}

/// False if the wait was cancelled.
asio::awaitable<bool> Server::wait(Clock::Duration time) {
  const Clock::TimePoint end = clock_->now() + time;
  co_await clock_->sleep_until(end);
  co_return clock_->now() >= end;
}

class Server::Body final : public Download {
 public:
  Body(Server& server, Version version, ResponseHead head, std::uint64_t begin, std::uint64_t end)
      : server_(server), version_(std::move(version)), head_(std::move(head)), position_(begin), end_(end) {
    ++*in_flight_;
  }
  ~Body() override { --*in_flight_; }

  const ResponseHead& head() const noexcept override { return head_; }

  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
    Random& random = server_.random_;
    if (server_.on_read) server_.on_read(head_.final_url);
    const bool stalls = server_.happens(Fault::stall, 0.02);
    const Clock::Duration time =
        stalls ? Clock::Duration(seconds{31}) : Clock::Duration(microseconds{100 + random.below(30'000)});
    const bool waited = co_await server_.wait(time);
    if (!waited) co_return gone(make_error_code(Errc::cancelled), head_.final_url);
    if (stalls) co_return gone(make_error_code(Errc::stalled), head_.final_url);
    if (server_.happens(Fault::cut, 0.05)) {
      server_.trace_("server cuts", position_);
      const Errc how = random.chance(0.5) ? Errc::body_truncated : Errc::connection_closed;
      co_return gone(make_error_code(how), head_.final_url);
    }
    if (server_.happens(Fault::change, 0.02)) server_.add_version(server_.resources_.at(head_.final_url));
    std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - position_));
    if (count > 1 && random.chance(0.3)) count = 1 + static_cast<std::size_t>(random.below(count));
    // A framed body that ends early is an error of the transport; only the bare end of a connection looks complete.
    if (count > 0 && head_.granted.length != ByteRange::to_end && server_.happens(Fault::early_end, 0.03)) count = 0;
    if (count > 0) std::memcpy(into.data(), version_.bytes.data() + position_, count);
    position_ += count;
    server_.trace_("server sends", count, position_, end_);
    co_return count;
  }

 private:
  Server& server_;
  const Version version_;
  const ResponseHead head_;
  const std::shared_ptr<std::size_t> in_flight_ = server_.in_flight_;
  std::uint64_t position_;
  const std::uint64_t end_;
};

asio::awaitable<Result<std::unique_ptr<Download>>> Server::open(Request request) {
  trace_("request", request.range.offset, request.range.length, request.validator.size());
  trace_.say("  " + request.url + " if " + request.validator);
  if (on_read) on_read(request.url);
  const bool late = happens(Fault::refuse, 0.05);
  const Clock::Duration time =
      late ? Clock::Duration(seconds{30}) : Clock::Duration(microseconds{500 + random_.below(60'000)});
  const bool waited = co_await wait(time);
  if (!waited) co_return gone(make_error_code(Errc::cancelled), request.url);
  if (late) co_return gone(make_error_code(Errc::connect_timeout), request.url);
  if (happens(Fault::refuse, 0.1)) co_return gone(std::make_error_code(std::errc::connection_refused), request.url);
  if (happens(Fault::server_error, 0.15)) {
    co_return Error(http_status(500 + static_cast<int>(random_.below(4))), ErrorContext::remote_file, request.url);
  }
  if (happens(Fault::missing, 0.03)) co_return Error(http_status(404), ErrorContext::remote_file, request.url);
  if (happens(Fault::pacing, 0.1)) {
    const Error slower(http_status(random_.chance(0.5) ? 429 : 503), ErrorContext::remote_file, request.url);
    co_return slower.with_retry_after(milliseconds{random_.below(20'000)});
  }

  Resource& resource = resources_.at(request.url);
  if (happens(Fault::change, 0.1)) add_version(resource);
  const Version& version = resource.versions.back();
  const std::uint64_t size = version.bytes.size();
  const bool ranged = request.range != ByteRange{};
  const bool holds = request.validator.empty() || request.validator == version.validator ||
                     (!version.validator.empty() && happens(Fault::ignore_condition, 0.5));
  const bool partial = ranged && holds && !happens(Fault::ignore_range, 0.2);
  if (partial && request.range.offset >= size) {
    const Error beyond(http_status(416), ErrorContext::remote_file, request.url);
    co_return beyond.with_resource_size(size);
  }
  std::uint64_t begin = partial ? request.range.offset : 0;
  std::uint64_t end = partial ? std::min(request.range.end(), size) : size;
  if (partial && happens(Fault::wrong_range, 0.1)) begin = random_.below(end);
  const bool is_short = partial && end > begin + 1 && happens(Fault::short_range, 0.2);
  if (is_short) end = begin + 1 + random_.below(end - begin - 1);

  // A range carries its own bounds, whatever the server knows of the whole.
  const bool bounded = resource.sized || is_short || (partial && request.range.length != ByteRange::to_end);
  ResponseHead head;
  head.granted = {begin, bounded ? end - begin : ByteRange::to_end};
  if (resource.sized) head.resource_size = size;
  head.validator = version.validator;
  // Only a response that the condition vouches for may leave the validator out.
  const bool vouched = partial && !request.validator.empty() && request.validator == version.validator;
  if (vouched && happens(Fault::silent_validator, 0.5)) head.validator.clear();
  head.delimited = resource.delimited || bounded;
  head.final_url = request.url;
  trace_("response", begin, head.granted.length, size);
  trace_.say("  validator " + head.validator);
  std::unique_ptr<Download> body = std::make_unique<Body>(*this, version, std::move(head), begin, end);
  co_return body;
}

}  // namespace bgxfer::simulation
