#ifndef BGXFER_HTTP_TUNNEL_HPP
#define BGXFER_HTTP_TUNNEL_HPP

#include <memory>
#include <string>

#include <bgxfer/clock.hpp>
#include <bgxfer/http/proxy.hpp>
#include <bgxfer/network.hpp>

#include "authenticator.hpp"
#include "gss_thread.hpp"
#include "head.hpp"
#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// What making a tunnel needs of the transport. Alive as long as the coroutine.
struct TunnelTools {
  Network& network;
  std::shared_ptr<Clock> clock;
  Clock::Duration timeout{};  ///< For each step of the way: the connection to the proxy, the tunnel.
  HeadLimits head{};
  std::string user_agent{};
  std::shared_ptr<GssThread> gss{};
};

/// Connects to `server` through `proxy`: a plain stream to it, over which TLS may be started. `proof` proves the
/// job to the proxy. Errors name the proxy; what it says of the server keeps its own word.
asio::awaitable<Result<std::unique_ptr<ByteStream>>> open_tunnel(const TunnelTools& tools, const Proxy& proxy,
                                                                 const Origin& server, Authenticator& proof);

}  // namespace bgxfer::inline v0::http::detail

#endif
