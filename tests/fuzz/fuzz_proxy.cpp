// Proxies from environments and lists, and the answers of SOCKS servers: nothing crashes, and what comes out is usable.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proxy.hpp"
#include "http/socks.hpp"
#include "http/text.hpp"

namespace http = bgxfer::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto proxy = http::parse_proxy(text)) {
    const bool sound = !proxy->host.empty() && proxy->port != 0 && http::detail::is_value(proxy->host) &&
                       http::detail::is_value(proxy->user) && http::detail::is_value(proxy->password);
    if (!sound) std::abort();
  }
  const std::size_t half = size / 2;
  bgxfer::ProxyOptions options;
  options.usage = bgxfer::ProxyUsage::listed;
  options.list = text.substr(0, half);
  options.bypass = text.substr(half);
  http::ProxyEnvironment environment;
  environment.all_proxy = options.list;
  environment.no_proxy = options.bypass;
  for (const char* host : {"host", "a.example.org", "10.1.2.3", "fd00::1"}) {
    (void)http::detail::listed_proxy(options, http::detail::Origin{false, host, 80});
    (void)environment.proxy_for(true, host, 443);
  }

  http::detail::SocksHandshake handshake("host", 80, "user", "password");
  std::span<const std::byte> rest = std::as_bytes(std::span(text));
  while (!handshake.done()) {
    (void)handshake.message();
    const std::size_t wanted = handshake.wanted();
    if (wanted == 0 || wanted > 255 + 2) std::abort();
    if (wanted > rest.size() || !handshake.feed(rest.first(wanted))) break;
    rest = rest.subspan(wanted);
  }
  return 0;
}
