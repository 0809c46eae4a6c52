// Proxies from environments and lists, and the answers of SOCKS servers: nothing crashes, and what comes out is usable.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "http/proxy.hpp"
#include "http/socks.hpp"
#include "http/text.hpp"

namespace http = bgxfer::http;

namespace {

/// What a proxy says that sends `wire`, whatever it is told.
void shake_hands(std::string_view wire, std::string server, std::string user, std::string password) {
  http::detail::SocksHandshake handshake(std::move(server), 80, std::move(user), std::move(password));
  std::span<const std::byte> rest = std::as_bytes(std::span(wire));
  while (!handshake.done()) {
    (void)handshake.message();
    const std::size_t wanted = handshake.wanted();
    if (wanted == 0 || wanted > 255 + 2) std::abort();
    if (wanted > rest.size() || !handshake.feed(rest.first(wanted))) break;
    rest = rest.subspan(wanted);
  }
}

}  // namespace

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
  environment.all_proxy = environment.http_proxy = options.list;
  environment.no_proxy = options.bypass;
  for (const char* host : {"host", "a.example.org", "10.1.2.3", "fd00::1"}) {
    for (bool secure : {false, true}) {
      (void)http::detail::listed_proxy(options, http::detail::Origin{secure, host, 80});
      (void)environment.proxy_for(secure, host, 443);
    }
  }
  (void)http::detail::is_private_name(options.bypass);
  const http::ProxyEnvironment read = http::ProxyEnvironment::read([&](const char* name) -> const char* {
    const std::string_view asked = name;
    return asked == "ALL_PROXY" ? options.list.c_str() : asked == "no_proxy" ? options.bypass.c_str() : nullptr;
  });
  if (options.list.find('\0') == std::string::npos && read.all_proxy != options.list) std::abort();

  shake_hands(text, "host", "user", "password");
  shake_hands(text, "10.1.2.3", "", "");
  shake_hands(text, "fd00::1", "user", "");
  shake_hands(text, std::string(256, 'h'), std::string(256, 'u'), "password");
  return 0;
}
