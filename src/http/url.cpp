#include "url.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <asio/ip/address_v4.hpp>
#include <asio/ip/address_v6.hpp>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

constexpr std::size_t host_bytes_max = 253;  // RFC 1035, without the trailing dot.
constexpr std::size_t label_bytes_max = 63;

Error invalid_url(std::string why) { return Error(Errc::invalid_url, ErrorContext::remote_file, std::move(why)); }

constexpr std::array<bool, 256> make_path_chars() {
  std::array<bool, 256> chars{};
  for (char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/")) {
    chars[static_cast<unsigned char>(c)] = true;
  }
  return chars;
}

/// A table, because a queue of a million files asks for every character of its URLs.
constexpr std::array<bool, 256> path_chars = make_path_chars();

/// May stand in a path or query as it is (RFC 3986 section 3.3 and 3.4), '%' apart.
bool is_path_char(char c) noexcept { return path_chars[static_cast<unsigned char>(c)]; }

bool is_scheme_char(char c) noexcept { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }

bool is_percent_triplet(std::string_view text) noexcept {
  return text.size() >= 3 && text[0] == '%' && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0;
}

bool is_encoded(std::string_view text, bool query) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (!is_percent_triplet(text.substr(i))) return false;
      i += 2;
    } else if (!is_path_char(text[i]) && !(query && text[i] == '?')) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> read_ipv6(std::string_view text) {
  if (text.find('%') != std::string_view::npos) return std::nullopt;  // A zone means nothing to anybody but this host.
  asio::error_code ec;
  const asio::ip::address_v6 address = asio::ip::make_address_v6(std::string(text), ec);
  if (ec) return std::nullopt;
  return address.to_string();
}

/// True if resolvers could take the name for a number: 127.1, 0x7f000001, 017700000001.
bool ends_in_number(std::string_view host) noexcept {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.size() >= 2 && last[0] == '0' && to_lower(last[1]) == 'x' &&
         std::all_of(last.begin() + 2, last.end(), [](char c) { return hex_digit(c) >= 0; });
}

std::optional<std::string> read_ipv4(std::string_view text) {
  int parts = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::optional<std::uint64_t> number = parse_number(part);
    if (!number || *number > 255 || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    ++parts;
    begin = end + 1;
  }
  return parts == 4 ? std::optional<std::string>(text) : std::nullopt;
}

bool is_host_name(std::string_view host) noexcept {
  if (host.size() > host_bytes_max) return false;
  for (std::size_t begin = 0; begin <= host.size();) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    const std::string_view label = host.substr(begin, end - begin);
    // The underscore is no letter of host names, but some hosts have it all the same.
    const bool spelled = std::all_of(label.begin(), label.end(),
                                     [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
    if (label.empty() || label.size() > label_bytes_max || !spelled || label.front() == '-' || label.back() == '-') {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

/// The host of an authority, normalised.
Result<std::string> read_host(std::string_view text) {
  if (text.empty()) return invalid_url("the host is missing");
  if (text.front() == '[') {
    std::optional<std::string> address;
    if (text.back() == ']') address = read_ipv6(text.substr(1, text.size() - 2));
    if (!address) return invalid_url("the IPv6 address is malformed");
    return *std::move(address);
  }
  if (text.back() == '.') text.remove_suffix(1);
  if (!is_host_name(text)) {
    return invalid_url("the host name is malformed (names outside ASCII are written as xn--)");
  }
  if (ends_in_number(text)) {
    std::optional<std::string> address = read_ipv4(text);
    if (!address) return invalid_url("the IPv4 address is malformed");
    return *std::move(address);
  }
  return lowered(text);
}

Result<Origin> read_authority(bool secure, std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return invalid_url("user names and passwords do not belong in URLs");
  }
  Origin origin;
  origin.secure = secure;
  origin.port = secure ? 443 : 80;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    const std::optional<std::uint64_t> port = parse_number(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return invalid_url("the port is not a number from 1 to 65535");
    origin.port = static_cast<std::uint16_t>(*port);
  }
  Result<std::string> host = read_host(text.substr(0, colon));
  if (!host) return host.error();
  origin.host = *std::move(host);
  return origin;
}

/// Takes "https:" and the like off the front of `text`; empty if there is no scheme.
std::string_view take_scheme(std::string_view& text) noexcept {
  std::size_t colon = 0;
  while (colon < text.size() && is_scheme_char(text[colon])) ++colon;
  if (colon == text.size() || text[colon] != ':' || colon == 0 || !is_alpha(text[0])) return {};
  const std::string_view scheme = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return scheme;
}

/// How long the authority at the front of `text` is. Not by `find_first_of`, which calls the C library for each
/// character.
std::size_t authority_size(std::string_view text) noexcept {
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return c == '/' || c == '?'; });
  return static_cast<std::size_t>(end - text.begin());
}

/// RFC 3986 section 5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  bool ends_in_folder = false;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    ends_in_folder = segment == "." || segment == "..";
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  std::string result;
  for (std::string_view segment : segments) (result += '/') += segment;
  if (ends_in_folder || result.empty()) result += '/';
  return result;
}

/// Encodes what a path or query may not carry as it is. What is encoded already stays as it is.
std::string encoded_leniently(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (is_path_char(c) || c == '?' || (c == '%' && is_percent_triplet(text.substr(i)))) {
      result += c;
    } else {
      ((result += '%') += digits[byte >> 4]) += digits[byte & 15];
    }
  }
  return result;
}

}  // namespace

std::string Origin::authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string text = ipv6 ? "[" + host + "]" : host;
  if (port == (secure ? 443 : 80)) return text;
  text += ':';
  text += std::to_string(port);
  return text;
}

std::string Url::to_string() const { return (origin.secure ? "https://" : "http://") + origin.authority() + target(); }

Result<Url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max) {
    return Error(Errc::string_too_long, ErrorContext::remote_file, "a URL may have 8192 bytes");
  }
  // To its end, which is faster than to look for the first one.
  unsigned unprintable = 0;
  for (char c : text) unprintable |= c > 0x20 && c < 0x7f ? 0U : 1U;
  if (unprintable != 0) return invalid_url("it holds a space, a control character or a byte outside ASCII");

  text = text.substr(0, text.find('#'));
  const std::string_view scheme = take_scheme(text);
  const bool secure = equal_ignoring_case(scheme, "https");
  if (!secure && !equal_ignoring_case(scheme, "http")) return invalid_url("it does not begin with http:// or https://");
  if (!text.starts_with("//")) return invalid_url("it does not begin with http:// or https://");
  text.remove_prefix(2);

  const std::size_t authority_end = authority_size(text);
  Result<Origin> origin = read_authority(secure, text.substr(0, authority_end));
  if (!origin) return origin.error();
  text.remove_prefix(authority_end);

  const std::size_t path_end = std::min(text.find('?'), text.size());
  Url url;
  url.origin = *std::move(origin);
  url.path = text.substr(0, path_end);
  url.query = text.substr(path_end);
  if (url.path.empty()) url.path.push_back('/');
  if (!is_encoded(url.path, false) || !is_encoded(url.query, true)) {
    return invalid_url("it holds a character that must be written as %XX, or a % without two hex digits");
  }
  return url;
}

Result<Url> resolve(const Url& base, std::string_view location) {
  location = trimmed(location);
  location = location.substr(0, location.find('#'));
  if (location.size() > url_bytes_max) {
    return Error(Errc::string_too_long, ErrorContext::remote_file, "the redirect's URL is longer than 8192 bytes");
  }
  std::string_view rest = location;
  const std::string_view scheme = take_scheme(rest);
  if (!scheme.empty() || location.starts_with("//")) {
    const std::string_view own_scheme = base.origin.secure ? "https" : "http";
    if (!rest.starts_with("//")) return invalid_url("the redirect does not lead to http:// or https://");
    const std::size_t authority_end = 2 + authority_size(rest.substr(2));
    std::string absolute(scheme.empty() ? own_scheme : scheme);
    (absolute += ':') += rest.substr(0, authority_end);
    absolute += encoded_leniently(rest.substr(authority_end));
    Result<Url> url = parse_url(absolute);
    if (url) url->path = without_dot_segments(url->path);
    return url;
  }

  const std::size_t path_end = std::min(location.find('?'), location.size());
  const std::string path = encoded_leniently(location.substr(0, path_end));
  Url url = base;
  url.query = encoded_leniently(location.substr(path_end));
  if (path.empty()) {
    if (url.query.empty()) url.query = base.query;
  } else if (path.front() == '/') {
    url.path = without_dot_segments(path);
  } else {
    url.path = without_dot_segments(base.path.substr(0, base.path.rfind('/') + 1) + path);
  }
  return parse_url(url.to_string());
}

}  // namespace bgxfer::inline v0::http::detail
