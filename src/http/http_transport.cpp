#include <bgxfer/http/http_transport.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include <asio/this_coro.hpp>

#include "../base/duration.hpp"
#include "authenticator.hpp"
#include "exchange.hpp"
#include "gss_thread.hpp"
#include "pool.hpp"
#include "proxy.hpp"
#include "redirect.hpp"
#include "response.hpp"
#include "route.hpp"
#include "socket_network.hpp"
#include "tunnel.hpp"

namespace bgxfer::inline v0::http {

namespace detail {

namespace {

class HttpDownload final : public Download {
 public:
  HttpDownload(ResponseHead head, std::unique_ptr<Exchange> exchange)
      : head_(std::move(head)), exchange_(std::move(exchange)) {}

  const ResponseHead& head() const noexcept override { return head_; }
  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override { return exchange_->read(into); }

 private:
  ResponseHead head_;
  std::unique_ptr<Exchange> exchange_;
};

PoolLimits pool_limits(const TransportOptions& options) {
  PoolLimits limits;
  limits.connections_per_host_max = std::max<std::size_t>(options.connections_per_host_max, 1);
  limits.idle_connections_max = std::max<std::size_t>(options.idle_connections_max, 1);
  limits.idle_timeout = options.idle_connection_timeout;
  limits.quiet_timeout = options.quiet_connection_timeout;
  return limits;
}

/// What a proxy's user name and password from the environment or a resolver amount to.
std::vector<Credentials> proxy_credentials(const Proxy& proxy, const std::vector<Credentials>& of_job) {
  if (proxy.user.empty()) return of_job;
  std::vector<Credentials> own;
  for (CredentialScheme scheme : {CredentialScheme::basic, CredentialScheme::digest}) {
    own.push_back(Credentials{CredentialTarget::proxy, scheme, proxy.user, proxy.password});
  }
  return own;
}

bool by_gss(const Credentials& known) noexcept {
  return known.scheme == CredentialScheme::negotiate || known.scheme == CredentialScheme::ntlm;
}

/// The user of the process, proven to proxies, is proven to servers too where they have nobody of their own (spec part
/// 3.6).
void lend_to_servers(std::vector<Credentials>& credentials) {
  std::vector<Credentials> lent;
  for (const Credentials& known : credentials) {
    if (known.target == CredentialTarget::server) return;
    if (!by_gss(known) || !known.user.empty()) continue;
    lent.push_back(known);
    lent.back().target = CredentialTarget::server;
  }
  credentials.insert(credentials.end(), lent.begin(), lent.end());
}

/// The user of the process, for proxies alone and where the job has nobody of its own for them (spec part 3.12,
/// property 7).
void add_account(Request& request) {
  const auto for_proxies = [](const Credentials& known) { return known.target == CredentialTarget::proxy; };
  std::vector<Credentials>& credentials = request.credentials;
  if (request.stored_credentials != CredentialTarget::proxy) return;
  if (std::any_of(credentials.begin(), credentials.end(), for_proxies)) return;
  for (CredentialScheme scheme : {CredentialScheme::negotiate, CredentialScheme::ntlm}) {
    credentials.push_back(Credentials{CredentialTarget::proxy, scheme, {}, {}});
  }
}

/// One hop of a request: to whom, on which way, with what proof.
class Hop {
 public:
  Hop(std::shared_ptr<ProofMemory> memory, const Request& request, Url to, Proxy way)
      : url(std::move(to)),
        proxy(std::move(way)),
        server_proof(memory, request.credentials, CredentialTarget::server, url.origin,
                     url.origin.secure || request.credentials_without_tls),
        proxy_proof(memory, proxy_credentials(proxy, request.credentials), CredentialTarget::proxy, proxy_origin(),
                    true) {
    if (proxy.kind != ProxyKind::socks5 || !proxy.user.empty()) return;
    for (const Credentials& known : request.credentials) {
      if (known.target != CredentialTarget::proxy || known.scheme != CredentialScheme::basic) continue;
      proxy.user = known.user;
      proxy.password = known.password;
    }
  }

  /// Whether requests go to the proxy itself instead of through it.
  [[nodiscard]] bool forwarded() const noexcept { return proxy.kind == ProxyKind::http && !url.origin.secure; }

  [[nodiscard]] Route route(const Request& request) const {
    Route result;
    result.origin = forwarded() ? proxy_origin() : url.origin;
    WayDigest way;
    const bool tls = url.origin.secure && request.tls != TlsOptions{};
    if (proxy.kind != ProxyKind::direct) {
      way.add(forwarded() ? "forwarded" : proxy.kind == ProxyKind::http ? "tunnel" : "socks");
      way.add(proxy.host);
      way.add(std::to_string(proxy.port));
      way.add(proxy.user);
      way.add(proxy.password);
      for (const Credentials& known : request.credentials) {
        if (known.target != CredentialTarget::proxy) continue;
        way.add(by_gss(known) ? "gss" : "password");
        way.add(known.user);
        way.add(known.password);
      }
    }
    if (tls) {
      way.add(request.tls);
      result.source = request.tls.client_source;
      result.validator = request.tls.validator;
    }
    // These schemes prove a connection, which is then nobody else's.
    bool proven = false;
    for (const Credentials& known : request.credentials) {
      if (known.target != CredentialTarget::server || !by_gss(known)) continue;
      proven = true;
      way.add(known.scheme == CredentialScheme::ntlm ? "ntlm" : "negotiate");
      way.add(known.user);
      way.add(known.password);
    }
    if (tls || proven || proxy.kind != ProxyKind::direct) result.way = way.finish();
    return result;
  }

  Url url;
  Proxy proxy;
  bool public_only = false;
  Authenticator server_proof;
  Authenticator proxy_proof;
  std::unique_ptr<BoundConnection> bound{};  ///< Where the next attempt has to go on.

 private:
  [[nodiscard]] Origin proxy_origin() const {
    Origin origin;
    origin.host = proxy.host;
    origin.port = proxy.port;
    return origin;
  }
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(TransportOptions options)
      : options_(std::move(options)),
        pool_(std::make_shared<Pool>(pool_limits(options_), options_.clock)),
        proofs_(std::make_shared<ProofMemory>()),
        gss_(std::make_shared<GssThread>()) {
    limits_.first_byte_timeout = options_.first_byte_timeout;
    limits_.stall_timeout = options_.stall_timeout;
    limits_.slow_bytes_per_second = options_.slow_bytes_per_second;
    limits_.slow_after = options_.slow_after;
    limits_.head.head_bytes_max = options_.response_head_bytes_max;
    limits_.head.fields_max = options_.response_fields_max;
  }

  Result<void> check_url(std::string_view url) const override {
    const Result<Url> parsed = parse_url(url);
    if (!parsed) return parsed.error();
    return {};
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    const Result<void> checked = check_request(request);
    if (!checked) co_return checked.error();
    const Result<Url> start = parse_url(request.url);
    if (!start) co_return start.error();

    lend_to_servers(request.credentials);
    add_account(request);
    RedirectTrail trail(request, *start);
    bool public_only = false;
    for (;;) {
      bool public_peer = true;
      Result<std::unique_ptr<Exchange>> exchanged = co_await reach(request, trail.here(), public_only, public_peer);
      if (!exchanged) co_return located(exchanged.error(), trail.here());
      Exchange& answer = **exchanged;

      if (is_redirect(answer.head().status)) {
        // Only who is inside already may be sent about inside.
        if (!trail.moved()) public_only = public_peer;
        answer.discard_body();
        const Result<void> followed = trail.follow(answer.head());
        if (!followed) co_return followed.error();
        continue;
      }
      Result<ResponseHead> head =
          judge_response(request, trail.here(), answer.head(), answer.framing(), options_.clock->wall_now());
      if (!head) {
        answer.discard_body();
        co_return head.error();
      }
      head->final_url = trail.final_url();
      answer.expect_body(head->granted.length);
      co_return std::make_unique<HttpDownload>(*std::move(head), *std::move(exchanged));
    }
  }

  void network_changed() noexcept override { pool_->clear(); }

 private:
  using Exchanged = Result<std::unique_ptr<Exchange>>;

  /// The ways to a URL, the best first.
  asio::awaitable<Result<std::vector<Proxy>>> ways_to(const Request& request, const Url& url) {
    switch (request.proxy.usage) {
      case ProxyUsage::none: co_return std::vector<Proxy>(1);
      case ProxyUsage::listed: {
        const Result<Proxy> listed = listed_proxy(request.proxy, url.origin);
        if (!listed) co_return listed.error();
        co_return std::vector<Proxy>(1, *listed);
      }
      case ProxyUsage::preconfigured:
      case ProxyUsage::autodetect: break;
    }
    if (options_.proxies) {
      Result<std::vector<Proxy>> found = co_await options_.proxies->resolve(public_url(url.to_string()));
      if (found && found->empty()) found->emplace_back();
      co_return found;
    }
    if (request.proxy.usage == ProxyUsage::autodetect) {
      co_return Error(Errc::invalid_proxy, ErrorContext::transport,
                      "autodetect needs TransportOptions::proxies, a resolver");
    }
    const Result<Proxy> found = options_.environment.proxy_for(url.origin.secure, url.origin.host, url.origin.port);
    if (!found) co_return found.error();
    co_return std::vector<Proxy>(1, *found);
  }

  /// Sends the request to `url` on the first way that leads there. `public_peer` says whether redirects from there must
  /// stay outside.
  asio::awaitable<Exchanged> reach(const Request& request, const Url& url, bool public_only, bool& public_peer) {
    const Result<std::vector<Proxy>> ways = co_await ways_to(request, url);
    if (!ways) co_return ways.error();
    std::optional<Error> failure;
    for (const Proxy& way : *ways) {
      Hop hop(proofs_, request, url, way);
      hop.public_only = public_only;
      if (way.kind != ProxyKind::direct && public_only && is_private_name(url.origin.host)) {
        co_return Error(Errc::blocked_address, ErrorContext::transport, url.origin.host);
      }
      Exchanged answered = co_await prove(request, hop);
      if (answered) {
        public_peer = way.kind == ProxyKind::direct ? (*answered)->public_peer() : !is_private_name(url.origin.host);
        co_return answered;
      }
      failure = answered.error();
      // Once a proxy has been reached, what went wrong is not for the next one to mend.
      const bool unreached = failure->context() == ErrorContext::transport &&
                             failure->code().category() != http_category() && failure->code() != Failure::cancelled;
      if (!unreached || request.body) break;
    }
    co_return *failure;
  }

  /// Sends the request, again where the server or the proxy first wants to know who is asking.
  asio::awaitable<Exchanged> prove(const Request& request, Hop& hop) {
    constexpr int attempts_max = 4;
    for (int attempt = 1;; ++attempt) {
      for (Authenticator* proof : {&hop.server_proof, &hop.proxy_proof}) {
        if (proof == &hop.proxy_proof && !hop.forwarded()) continue;
        const Result<void> consulted = co_await GssThread::consult(gss_, *proof);
        if (!consulted) co_return consulted.error();
        if (proof->gave_up()) co_return unproven(hop, *proof, proof == &hop.proxy_proof ? 407 : 401);
      }
      Exchanged answered = co_await exchange(request, hop);
      if (!answered) co_return answered;
      const int status = (*answered)->head().status;
      const bool by_proxy = status == 407 && hop.forwarded();
      if (status != 401 && !by_proxy) co_return answered;
      Authenticator& proof = by_proxy ? hop.proxy_proof : hop.server_proof;
      const bool again = proof.refused((*answered)->head()) && !request.body && attempt < attempts_max;
      if (again && proof.bound()) {
        hop.bound = co_await (*answered)->bound_connection();
        if (!hop.bound) co_return Error(Errc::connection_closed, ErrorContext::transport, "in the middle of a proof");
        continue;
      }
      (*answered)->discard_body();
      if (!again) co_return unproven(hop, proof, status);
    }
  }

  static Error unproven(const Hop& hop, const Authenticator& proof, int status) {
    // Some proxies turn a wrong password of theirs down with 401, as if they were the server.
    std::string who;
    if (hop.forwarded()) who = (status == 407 ? "proxy " : "the server or the proxy ") + hop.proxy.host + ": ";
    return Error(http_status(status), ErrorContext::remote_file, who + proof.why());
  }

  /// Sends the request once, on a kept connection or a new one, and resolves when a head has arrived.
  asio::awaitable<Exchanged> exchange(const Request& request, Hop& hop) {
    if (hop.bound) {
      asio::any_io_executor same = co_await asio::this_coro::executor;
      auto next = std::make_unique<Exchange>(std::move(hop.bound->lease), std::move(hop.bound->connection), same,
                                             options_.clock, limits_);
      hop.bound.reset();
      const Result<void> ran = co_await next->run(request, printed(request, hop));
      if (!ran) co_return ran.error();
      co_return std::move(next);
    }
    Result<Pool::Lease> leased = co_await pool_->leased(hop.route(request));
    if (!leased) co_return leased.error();
    Pool::Lease lease = *std::move(leased);
    asio::any_io_executor executor = co_await asio::this_coro::executor;

    // A body cannot be had twice, so it never risks a connection that may be dead.
    std::unique_ptr<Connection> kept;
    if (!request.body) kept = lease.take_idle(hop.public_only && hop.proxy.kind == ProxyKind::direct);
    if (kept) {
      auto attempt = std::make_unique<Exchange>(std::move(lease), std::move(kept), executor, options_.clock, limits_);
      const Result<void> ran = co_await attempt->run(request, printed(request, hop));
      if (ran) co_return std::move(attempt);
      const bool stale = !attempt->answered() && !attempt->timed_out() && ran.error().code() != Failure::cancelled;
      if (!stale) co_return ran.error();
      // Nothing had been answered, so nothing has been lost: the fresh connection is not a retry that anybody counts.
      Pool::Lease again = attempt->take_lease();
      co_return co_await exchange_fresh(std::move(again), request, hop);
    }
    co_return co_await exchange_fresh(std::move(lease), request, hop);
  }

  asio::awaitable<Exchanged> exchange_fresh(Pool::Lease lease, const Request& request, Hop& hop) {
    Result<std::unique_ptr<ByteStream>> connected = co_await connect(request, hop);
    if (!connected) co_return connected.error();

    asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto connection = std::make_unique<Connection>(*std::move(connected));
    auto attempt =
        std::make_unique<Exchange>(std::move(lease), std::move(connection), executor, options_.clock, limits_);
    const Result<void> ran = co_await attempt->run(request, printed(request, hop));
    if (!ran) co_return ran.error();
    co_return std::move(attempt);
  }

  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(const Request& request, Hop& hop) {
    const Origin& server = hop.url.origin;
    if (hop.proxy.kind == ProxyKind::direct || hop.forwarded()) {
      const bool direct = hop.proxy.kind == ProxyKind::direct;
      ConnectRequest wanted(direct ? server.host : hop.proxy.host, direct ? server.port : hop.proxy.port,
                            direct && server.secure);
      wanted.tls = request.tls;
      wanted.public_addresses_only = direct && hop.public_only;
      wanted.timeout = options_.connect_timeout;
      co_return co_await options_.network->connect(std::move(wanted));
    }
    const TunnelTools tools{*options_.network, options_.clock,      options_.connect_timeout,
                            limits_.head,      options_.user_agent, gss_};
    Result<std::unique_ptr<ByteStream>> tunnel = co_await open_tunnel(tools, hop.proxy, server, hop.proxy_proof);
    if (!tunnel || !server.secure) co_return tunnel;
    TlsRequest secure(server.host, server.port, request.tls);
    secure.timeout = options_.connect_timeout;
    const Result<void> secured = co_await (*tunnel)->start_tls(std::move(secure));
    if (!secured) co_return secured.error();
    co_return tunnel;
  }

  std::string printed(const Request& request, Hop& hop) const {
    HeadExtras extras;
    extras.user_agent = options_.user_agent;
    extras.absolute = hop.forwarded();
    const std::string target = hop.forwarded() ? hop.url.to_string() : hop.url.target();
    extras.authorization = hop.server_proof.proof(request.method, target);
    if (hop.forwarded()) extras.proxy_authorization = hop.proxy_proof.proof(request.method, target);
    return print_request(request, hop.url, extras);
  }

  const TransportOptions options_;
  const std::shared_ptr<Pool> pool_;
  const std::shared_ptr<ProofMemory> proofs_;
  const std::shared_ptr<GssThread> gss_;
  ExchangeLimits limits_;
};

}  // namespace

}  // namespace detail

std::shared_ptr<Transport> make_transport(TransportOptions options) {
  using std::chrono::milliseconds;
  for (milliseconds* time :
       {&options.connect_timeout, &options.first_byte_timeout, &options.stall_timeout, &options.slow_after,
        &options.idle_connection_timeout, &options.quiet_connection_timeout}) {
    *time = std::clamp(*time, milliseconds{1}, bgxfer::detail::duration_max);
  }
  if (!options.clock) options.clock = make_steady_clock();
  if (!options.network) options.network = detail::make_socket_network(options.ca_bundle);
  if (!options.proxies && options.environment_proxies) {
    options.environment = ProxyEnvironment::read([](const char* name) { return std::getenv(name); });
  }
  return std::make_shared<detail::HttpTransport>(std::move(options));
}

}  // namespace bgxfer::inline v0::http
