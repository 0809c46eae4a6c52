#include "proxy.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <asio/ip/address.hpp>

#include "address.hpp"
#include "text.hpp"

namespace bgxfer::inline v0::http {

namespace detail {

namespace {

constexpr std::uint16_t http_proxy_port = 80;
constexpr std::uint16_t socks_proxy_port = 1080;

Error bad_proxy(std::string_view entry, const char* why) {
  // Whatever stands before an @ may be a password; where the @ itself got lost, with a space in the password, so may
  // whatever stands behind a colon and is neither a port nor what follows a scheme.
  const std::size_t at = entry.rfind('@');
  std::string shown(at == std::string_view::npos ? entry : entry.substr(at + 1));
  const std::size_t colon = shown.rfind(':');
  const std::string_view behind =
      colon == std::string::npos ? std::string_view() : std::string_view(shown).substr(colon + 1);
  const bool is_port = std::all_of(behind.begin(), behind.end(), is_digit);
  if (at == std::string_view::npos && !is_port && !behind.starts_with("//"))
    shown.replace(colon + 1, behind.size(), "...");
  return Error(Errc::invalid_proxy, ErrorContext::transport, shown + ": " + why);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
      c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    result += c;
  }
  if (!is_value(result)) return std::nullopt;
  return result;
}

/// The parts of a list, without the empty ones.
std::vector<std::string_view> words_of(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<asio::ip::address> address_of(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  asio::error_code failed;
  const asio::ip::address address = asio::ip::make_address(std::string(text), failed);
  if (failed) return std::nullopt;
  return address;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  const std::optional<asio::ip::address> address = address_of(host);
  return address && address->is_loopback();
}

/// `10.0.0.0/8`, `fd00::/8`.
bool is_in_network(const asio::ip::address& address, std::string_view network) {
  const std::size_t slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  const std::optional<asio::ip::address> base = address_of(network.substr(0, slash));
  const std::optional<std::uint64_t> bits = parse_number(network.substr(slash + 1));
  if (!base || !bits || base->is_v4() != address.is_v4()) return false;
  const auto matches = [&bits](const auto& a, const auto& b) {
    if (*bits > a.size() * 8) return false;
    for (std::size_t bit = 0; bit < *bits; ++bit) {
      const unsigned mask = 0x80u >> bit % 8;
      if ((a[bit / 8] & mask) != (b[bit / 8] & mask)) return false;
    }
    return true;
  };
  return address.is_v4() ? matches(address.to_v4().to_bytes(), base->to_v4().to_bytes())
                         : matches(address.to_v6().to_bytes(), base->to_v6().to_bytes());
}

/// One entry of no_proxy.
bool is_exempt(std::string_view entry, std::string_view host, std::uint16_t port) {
  if (entry == "*") return true;
  const std::optional<asio::ip::address> address = address_of(host);
  const std::optional<asio::ip::address> named = address_of(entry);
  if (address && (named == address || is_in_network(*address, entry))) return true;
  const std::size_t colon = entry.find(':');
  if (colon != std::string_view::npos && !named) {
    if (parse_number(entry.substr(colon + 1)) != port) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || entry.size() > host.size()) return false;
  if (!equal_ignoring_case(host.substr(host.size() - entry.size()), entry)) return false;
  return entry.size() == host.size() || (!address && host[host.size() - entry.size() - 1] == '.');
}

/// One entry of a job's bypass list; empty if it is none.
std::optional<bool> bypasses(std::string_view entry, std::string_view host) {
  const std::optional<asio::ip::address> address = address_of(host);
  if (entry == "<local>") return !address && host.find('.') == std::string_view::npos;
  if (entry.find('*', 1) != std::string_view::npos) return std::nullopt;
  if (entry.starts_with('*')) {
    entry.remove_prefix(1);
    return entry.size() <= host.size() && equal_ignoring_case(host.substr(host.size() - entry.size()), entry);
  }
  if (const auto named = address_of(entry)) return address == named;
  return equal_ignoring_case(entry, host);
}

}  // namespace

Result<Proxy> listed_proxy(const ProxyOptions& options, const Origin& server) {
  bool direct = false;
  for (std::string_view entry : words_of(options.bypass, " \t")) {
    const std::optional<bool> bypassed = bypasses(entry, server.host);
    if (!bypassed) return bad_proxy(entry, "in the bypass list a * stands at the beginning only");
    direct = direct || *bypassed;
  }
  const std::string_view scheme = server.secure ? "https" : "http";
  std::optional<Proxy> own, common;
  for (std::string_view entry : words_of(options.list, " \t")) {
    const std::size_t equals = entry.find('=');
    const std::string_view restricted = equals == std::string_view::npos ? std::string_view() : entry.substr(0, equals);
    if (equals != std::string_view::npos && restricted != "http" && restricted != "https") {
      return bad_proxy(entry, "proxies are for http= or https=");
    }
    const Result<Proxy> proxy = parse_proxy(equals == std::string_view::npos ? entry : entry.substr(equals + 1));
    if (!proxy) return proxy;
    if (restricted == scheme && !own) own = *proxy;
    if (restricted.empty() && !common) common = *proxy;
  }
  if (!own && !common && words_of(options.list, " \t").empty()) {
    return Error(Errc::invalid_proxy, ErrorContext::transport, "the list of proxies is empty");
  }
  if (direct) return Proxy{};
  return own ? *own : common ? *common : Proxy{};
}

bool is_private_name(std::string_view host) {
  if (is_loopback(host)) return true;
  const std::optional<asio::ip::address> address = address_of(host);
  return address && !is_public(*address);
}

}  // namespace detail

ProxyResolver::~ProxyResolver() = default;

Result<Proxy> parse_proxy(std::string_view text) {
  using detail::bad_proxy;
  Proxy proxy;
  proxy.kind = ProxyKind::http;
  proxy.port = detail::http_proxy_port;
  std::string_view rest = text;
  if (const std::size_t colon = rest.find("://"); colon != std::string_view::npos) {
    const std::string scheme = detail::lowered(rest.substr(0, colon));
    if (scheme == "socks5" || scheme == "socks5h") {
      proxy.kind = ProxyKind::socks5;
      proxy.port = detail::socks_proxy_port;
    } else if (scheme == "https") {
      return bad_proxy(text, "proxies that are themselves reached over TLS are not supported; use http://");
    } else if (scheme != "http") {
      return bad_proxy(text, "proxies are http:// or socks5://");
    }
    rest.remove_prefix(colon + 3);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view info = rest.substr(0, at);
    const std::size_t colon = std::min(info.find(':'), info.size());
    const auto user = detail::percent_decoded(info.substr(0, colon));
    const auto password = detail::percent_decoded(info.substr(std::min(colon + 1, info.size())));
    if (!user || !password) return bad_proxy(text, "the user name or the password is not well encoded");
    proxy.user = *user;
    proxy.password = *password;
    rest.remove_prefix(at + 1);
  }
  // What is left is what stands between // and / in any URL, and is held to the same rules.
  const Result<detail::Url> host = detail::parse_url("http://" + std::string(rest) + "/");
  if (!host || rest.empty() || rest.find_first_of("/?#") != std::string_view::npos) {
    return bad_proxy(text, "use server:port");
  }
  const std::size_t bracket = rest.rfind(']');
  const std::size_t from = bracket == std::string_view::npos ? 0 : bracket;
  if (rest.find(':', from) != std::string_view::npos) proxy.port = host->origin.port;
  proxy.host = host->origin.host;
  return proxy;
}

ProxyEnvironment ProxyEnvironment::read(const std::function<const char*(const char*)>& get) {
  const auto value = [&get](const char* lower, const char* upper) {
    const char* found = get(lower);
    if (!found && upper) found = get(upper);
    return std::string(found ? found : "");
  };
  ProxyEnvironment environment;
  environment.http_proxy = value("http_proxy", nullptr);
  environment.https_proxy = value("https_proxy", "HTTPS_PROXY");
  environment.all_proxy = value("all_proxy", "ALL_PROXY");
  environment.no_proxy = value("no_proxy", "NO_PROXY");
  return environment;
}

Result<Proxy> ProxyEnvironment::proxy_for(bool secure, std::string_view host, std::uint16_t port) const {
  const std::string& own = secure ? https_proxy : http_proxy;
  const std::string& chosen = own.empty() ? all_proxy : own;
  if (chosen.empty() || detail::is_loopback(host)) return Proxy{};
  for (std::string_view entry : detail::words_of(no_proxy, ", \t")) {
    if (detail::is_exempt(entry, host, port)) return Proxy{};
  }
  return parse_proxy(chosen);
}

}  // namespace bgxfer::inline v0::http
