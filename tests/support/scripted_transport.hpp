#ifndef BGXFER_TESTS_SUPPORT_SCRIPTED_TRANSPORT_HPP
#define BGXFER_TESTS_SUPPORT_SCRIPTED_TRANSPORT_HPP

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::test {

/// One resource of the scripted server.
struct Resource {
  std::string content;
  std::string validator = "\"v1\"";
  bool ranges = true;    ///< Serves the range that was asked for; else everything.
  bool sized = true;     ///< Tells its size.
  bool bounded = false;  ///< A range tells where it ends even if the size is not told.
  bool delimited = true;
  std::optional<std::chrono::system_clock::time_point> modified{};
  std::optional<Clock::Duration> read_time{};  ///< In place of the transport's.
  std::size_t connections_max = 1'000;         ///< More are turned down with 503.
  std::set<std::uint64_t> damaged_reads{};     ///< What these reads bring is damaged; counted from 1 over all requests.
  std::vector<Header> headers{};
  std::string final_url{};  ///< Where redirects lead to; empty: there are none.
};

/// What the next request meets instead of the plain answer.
struct Incident {
  std::optional<Error> refuse{};                ///< `open` fails.
  std::optional<std::uint64_t> cut_after{};     ///< The body breaks off after so many bytes.
  std::optional<Error> cut_with{};              ///< Why; empty: `Errc::body_truncated`.
  std::optional<std::uint64_t> grant_offset{};  ///< The server sends bytes from here, whatever was asked.
  std::optional<std::uint64_t> grant_max{};     ///< The server sends at most so many bytes.
  std::optional<Clock::Duration> read_time{};   ///< In place of the resource's.
  bool ignore_range = false;
  bool silent_validator = false;
};

/// What was asked.
struct Asking {
  std::string url;
  ByteRange range;
  std::string validator;
  std::vector<Header> headers;
  std::vector<Credentials> credentials{};
  std::string method{};
  std::optional<CredentialTarget> stored_credentials{};
};

/// A transport that serves resources from memory, at a speed in virtual time, with incidents on request.
class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}

  std::map<std::string, Resource> resources;
  std::deque<Incident> incidents;  ///< One per request, in order; none left: none.
  std::vector<Asking> asked;
  Clock::Duration connect_time = std::chrono::milliseconds{10};
  Clock::Duration read_time = std::chrono::milliseconds{1};
  std::size_t read_bytes = 64 * 1024;
  std::size_t in_flight = 0;
  std::size_t in_flight_max = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t reads = 0;
  std::map<std::string, std::size_t> connections;           ///< That send a body now, by URL.
  std::map<std::string, std::size_t> host_connections_max;  ///< Of all URLs together, by scheme and host; more get 503.
  std::set<std::string> dead_hosts;                         ///< Scheme and host: no connection is taken.
  std::set<std::string> silent_hosts;                       ///< The same, and it takes half a minute to find out.
  std::optional<Error> missing{};  ///< What is said of a resource that is not there; empty: 404.
  std::size_t turned_down = 0;     ///< Requests that were one connection too many.
  int network_changes = 0;
  std::uint64_t calls = 0;      ///< Of `open` and `read`, all together.
  std::uint64_t fail_from = 0;  ///< Calls with these numbers fail with `failure`. 0: none.
  std::uint64_t fail_until = 0;
  Error failure{Errc::connection_closed, ErrorContext::transport};

  /// Counts a call; true if it is to fail.
  bool fails() {
    ++calls;
    return fail_from != 0 && calls >= fail_from && calls <= fail_until;
  }

  Result<void> check_url(std::string_view url) const override {
    if (url.starts_with("http://") || url.starts_with("https://")) return {};
    return Error(Errc::invalid_url, ErrorContext::queue, std::string(url));
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    Asking asking{request.url,         request.range,  request.validator,         request.headers,
                  request.credentials, request.method, request.stored_credentials};
    asked.push_back(asking);
    Incident incident;
    if (!incidents.empty()) {
      incident = incidents.front();
      incidents.pop_front();
    }
    const Clock::TimePoint connected = clock_->now() + connect_time;
    co_await clock_->sleep_until(connected);
    if (clock_->now() < connected) co_return Error(Errc::cancelled, ErrorContext::transport, "cancelled");
    if (fails()) co_return failure;
    if (incident.refuse) co_return *incident.refuse;
    const std::string host = request.url.substr(0, request.url.find('/', request.url.find("://") + 3));
    if (dead_hosts.contains(host)) {
      co_return Error(std::make_error_code(std::errc::connection_refused), ErrorContext::transport, host);
    }
    if (silent_hosts.contains(host)) {
      co_await clock_->sleep_until(clock_->now() + std::chrono::seconds{30});
      co_return Error(Errc::connect_timeout, ErrorContext::transport, host);
    }
    auto found = resources.find(request.url);
    if (found == resources.end())
      co_return missing.value_or(Error(http_status(404), ErrorContext::remote_file, request.url));
    const std::string& leads_to = found->second.final_url;
    if (!leads_to.empty() && request.redirects.mode == RedirectMode::refuse) {
      if (request.refused_redirect) *request.refused_redirect = leads_to;
      co_return Error(http_status(302), ErrorContext::remote_file, request.url);
    }
    const std::uint64_t size = found->second.content.size();
    const bool condition_holds = request.validator.empty() || request.validator == found->second.validator;
    if (found->second.bounded && request.range.offset > 0 && request.range.offset >= size && condition_holds) {
      const Error beyond(http_status(416), ErrorContext::remote_file, request.url);
      co_return beyond.with_resource_size(size);
    }
    const auto host_max = host_connections_max.find(host);
    const bool host_full = host_max != host_connections_max.end() && at_host(host) >= host_max->second;
    if (host_full || connections[request.url] >= found->second.connections_max) {
      ++turned_down;
      co_return Error(http_status(503), ErrorContext::remote_file, request.url);
    }
    std::unique_ptr<Download> body = std::make_unique<Body>(*this, found->second, incident, request);
    co_return body;
  }

  void network_changed() noexcept override { ++network_changes; }

  /// Connections that send a body now, by scheme and host.
  [[nodiscard]] std::size_t at_host(const std::string& host) const {
    std::size_t count = 0;
    for (const auto& [url, of_url] : connections) count += url.starts_with(host + '/') ? of_url : 0;
    return count;
  }

 private:
  class Body final : public Download {
   public:
    Body(ScriptedTransport& transport, const Resource& resource, const Incident& incident, const Request& request)
        : transport_(transport),
          content_(resource.content),
          cut_after_(incident.cut_after),
          cut_with_(incident.cut_with) {
      read_time_ = incident.read_time.value_or(resource.read_time.value_or(transport.read_time));
      damaged_ = resource.damaged_reads;
      ++transport_.connections[request.url];
      const bool condition_holds = request.validator.empty() || request.validator == resource.validator;
      const bool partial = request.range != ByteRange{} && resource.ranges && condition_holds && !incident.ignore_range;
      std::uint64_t begin = partial ? std::min<std::uint64_t>(request.range.offset, content_.size()) : 0;
      std::uint64_t end = partial ? std::min<std::uint64_t>(request.range.end(), content_.size()) : content_.size();
      if (incident.grant_offset) begin = *incident.grant_offset;
      if (incident.grant_max) end = std::min(end, begin + *incident.grant_max);
      position_ = begin;
      end_ = end;
      head_.granted = {begin, resource.sized || (resource.bounded && partial) ? end - begin : ByteRange::to_end};
      if (resource.sized) head_.resource_size = content_.size();
      if (!incident.silent_validator) head_.validator = resource.validator;
      head_.last_modified = resource.modified;
      head_.delimited = resource.delimited;
      head_.final_url = resource.final_url.empty() ? request.url : resource.final_url;
      head_.headers = resource.headers;
      transport_.in_flight_max = std::max(transport_.in_flight_max, ++transport_.in_flight);
    }
    ~Body() override {
      --transport_.in_flight;
      --transport_.connections[head_.final_url];
    }

    const ResponseHead& head() const noexcept override { return head_; }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
      const Clock::TimePoint arrived = transport_.clock_->now() + read_time_;
      co_await transport_.clock_->sleep_until(arrived);
      if (transport_.clock_->now() < arrived) co_return Error(Errc::cancelled, ErrorContext::transport, "cancelled");
      if (transport_.fails()) co_return transport_.failure;
      std::size_t count = std::min({into.size(), transport_.read_bytes, static_cast<std::size_t>(end_ - position_)});
      if (cut_after_) {
        count = static_cast<std::size_t>(std::min<std::uint64_t>(count, *cut_after_ - sent_));
        if (count == 0 && cut_with_) co_return *cut_with_;
        if (count == 0) co_return Error(Errc::body_truncated, ErrorContext::remote_file, public_url(head_.final_url));
      }
      std::memcpy(into.data(), content_.data() + position_, count);
      if (damaged_.contains(++transport_.reads) && count > 0) into[count / 2] ^= std::byte{1};
      position_ += count;
      sent_ += count;
      transport_.bytes_sent += count;
      co_return count;
    }

   private:
    ScriptedTransport& transport_;
    Clock::Duration read_time_{};
    std::string content_;
    ResponseHead head_;
    std::uint64_t position_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t sent_ = 0;
    std::set<std::uint64_t> damaged_;
    std::optional<std::uint64_t> cut_after_;
    std::optional<Error> cut_with_;
  };

  std::shared_ptr<Clock> clock_;
};

}  // namespace bgxfer::test

#endif
