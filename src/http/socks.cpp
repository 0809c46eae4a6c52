#include "socks.hpp"

#include <system_error>
#include <utility>

#include <asio/ip/address.hpp>

namespace bgxfer::inline v0::http::detail {

namespace {

constexpr std::size_t socks_field_max = 255;
constexpr unsigned socks_version = 5;
constexpr unsigned method_none = 0, method_password = 2;

Error socks_error(std::error_code code, std::string why) {
  return Error(code, ErrorContext::transport, "SOCKS: " + std::move(why));
}

void put(std::vector<std::byte>& out, unsigned value) { out.push_back(static_cast<std::byte>(value)); }
void put(std::vector<std::byte>& out, std::string_view text) {
  for (char c : text) out.push_back(static_cast<std::byte>(c));
}

/// RFC 1928 section 6.
Error refusal_of(unsigned reply) {
  switch (reply) {
    case 2: return socks_error(http_status(403), "the proxy's rules forbid this server");
    case 3: return socks_error(std::make_error_code(std::errc::network_unreachable), "the server's network");
    case 4: return socks_error(std::make_error_code(std::errc::host_unreachable), "the server");
    case 5: return socks_error(std::make_error_code(std::errc::connection_refused), "the server");
    default: return socks_error(Errc::proxy_failed, "the proxy answered " + std::to_string(reply));
  }
}

}  // namespace

SocksHandshake::SocksHandshake(std::string host, std::uint16_t port, std::string user, std::string password)
    : host_(std::move(host)), port_(port), user_(std::move(user)), password_(std::move(password)) {
  put(next_, socks_version);
  put(next_, user_.empty() ? 1u : 2u);
  put(next_, method_none);
  if (!user_.empty()) put(next_, method_password);
}

std::vector<std::byte> SocksHandshake::message() { return std::exchange(next_, {}); }

Result<void> SocksHandshake::feed(std::span<const std::byte> bytes) {
  const auto at = [&bytes](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  const auto ask = [this]() -> Result<void> {
    put(next_, socks_version);
    put(next_, 1u);
    put(next_, 0u);
    asio::error_code name;
    const asio::ip::address address = asio::ip::make_address(host_, name);
    if (name) {
      if (host_.size() > socks_field_max) return socks_error(Errc::string_too_long, "the server's name");
      put(next_, 3u);
      put(next_, static_cast<unsigned>(host_.size()));
      put(next_, host_);
    } else if (address.is_v4()) {
      put(next_, 1u);
      for (unsigned char byte : address.to_v4().to_bytes()) put(next_, unsigned{byte});
    } else {
      put(next_, 4u);
      for (unsigned char byte : address.to_v6().to_bytes()) put(next_, unsigned{byte});
    }
    put(next_, unsigned{port_} >> 8);
    put(next_, unsigned{port_} & 0xff);
    state_ = State::reply;
    wanted_ = 4;
    return {};
  };

  switch (state_) {
    case State::greeting:
      if (at(0) != socks_version) return socks_error(Errc::proxy_failed, "the proxy does not speak version 5");
      if (at(1) == method_none) return ask();
      if (at(1) != method_password || user_.empty()) {
        return socks_error(http_status(407), user_.empty() ? "the proxy wants a user name and a password"
                                                           : "the proxy takes no user names");
      }
      if (user_.size() > socks_field_max || password_.size() > socks_field_max) {
        return socks_error(Errc::string_too_long, "the user name or the password has more than 255 bytes");
      }
      put(next_, 1u);
      put(next_, static_cast<unsigned>(user_.size()));
      put(next_, user_);
      put(next_, static_cast<unsigned>(password_.size()));
      put(next_, password_);
      state_ = State::verdict_on_user;
      wanted_ = 2;
      return {};
    case State::verdict_on_user:
      if (at(1) != 0) return socks_error(http_status(407), "the user name or the password is wrong");
      return ask();
    case State::reply:
      if (at(0) != socks_version) return socks_error(Errc::proxy_failed, "the proxy does not speak version 5");
      if (at(1) != 0) return refusal_of(at(1));
      // The address that the proxy connects from, of no use here, and its port.
      if (at(3) != 1 && at(3) != 3 && at(3) != 4)
        return socks_error(Errc::proxy_failed, "the proxy's answer is broken");
      state_ = at(3) == 3 ? State::address_length : State::address;
      wanted_ = at(3) == 3 ? 1 : at(3) == 1 ? 4 + 2 : 16 + 2;
      return {};
    case State::address_length:
      state_ = State::address;
      wanted_ = at(0) + 2;
      return {};
    case State::address:
      state_ = State::done;
      wanted_ = 0;
      return {};
    case State::done: break;
  }
  return {};
}

}  // namespace bgxfer::inline v0::http::detail
