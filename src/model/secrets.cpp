#include "secrets.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bgxfer::inline v0::detail {

namespace {

constexpr std::uint8_t pack_version = 1;
constexpr std::size_t packed_items_max = 10'000;

class SecretPacker {
 public:
  void number(std::size_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<std::byte>(value >> shift));
  }
  void text(std::string_view value) {
    number(value.size());
    for (char c : value) bytes_.push_back(static_cast<std::byte>(c));
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class SecretUnpacker {
 public:
  explicit SecretUnpacker(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::size_t number() {
    if (rest_.size() < 4) return fail();
    std::size_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::size_t>(rest_[i]) << (8 * i);
    rest_ = rest_.subspan(4);
    return value;
  }
  std::string text() {
    const std::size_t size = number();
    if (size > rest_.size()) {
      fail();
      return {};
    }
    std::string value(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  std::size_t count() {
    const std::size_t value = number();
    return value <= packed_items_max ? value : fail();
  }
  /// Their numbers begin at 1.
  template <class Enum>
  Enum enumerator(Enum last) {
    const std::size_t value = number();
    return static_cast<Enum>(value >= 1 && value <= static_cast<std::size_t>(last) ? value : fail());
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool ended() const noexcept { return good_ && rest_.empty(); }

 private:
  std::size_t fail() noexcept {
    good_ = false;
    rest_ = {};
    return 0;
  }

  std::span<const std::byte> rest_;
  bool good_ = true;
};

/// An empty password means the one that is stored.
void keep_passwords(std::vector<Credentials>& edited, const std::vector<Credentials>& stored) {
  for (Credentials& known : edited) {
    const auto same = [&known](const Credentials& other) {
      return other.target == known.target && other.scheme == known.scheme && other.user == known.user;
    };
    const auto found = std::find_if(stored.begin(), stored.end(), same);
    if (known.password.empty() && found != stored.end()) known.password = found->password;
  }
}

}  // namespace

bool has_secrets(const HttpOptions& options) noexcept {
  return !options.headers.empty() || !options.credentials.empty() || !options.tls.client.password.empty();
}

HttpOptions shown(HttpOptions options) {
  for (Credentials& known : options.credentials) known.password.clear();
  options.tls.client.password.clear();
  if (options.headers_write_only) {
    for (Header& header : options.headers) header.value.clear();
  }
  return options;
}

IdentityOptions shown(IdentityOptions options) {
  if (!options.helper) return options;
  for (Credentials& known : options.helper->credentials) known.password.clear();
  return options;
}

void keep_unshown(IdentityOptions& edited, const IdentityOptions& stored) {
  if (edited.helper && stored.helper) keep_passwords(edited.helper->credentials, stored.helper->credentials);
}

void keep_unshown(HttpOptions& edited, const HttpOptions& stored) {
  keep_passwords(edited.credentials, stored.credentials);
  const ClientCertificate& client = stored.tls.client;
  if (edited.tls.client.password.empty() && edited.tls.client.file == client.file &&
      edited.tls.client.key_file == client.key_file) {
    edited.tls.client.password = client.password;
  }
  if (!stored.headers_write_only) return;
  edited.headers_write_only = true;
  std::vector<Header> left = stored.headers;
  for (Header& header : edited.headers) {
    const auto found =
        std::find_if(left.begin(), left.end(), [&header](const Header& other) { return other.name == header.name; });
    if (found == left.end()) continue;
    if (header.value.empty()) header.value = std::move(found->value);
    left.erase(found);
  }
}

std::vector<std::byte> pack_secrets(const HttpOptions& options) {
  SecretPacker packer;
  packer.number(pack_version);
  packer.number(options.headers.size());
  for (const Header& header : options.headers) {
    packer.text(header.name);
    packer.text(header.value);
  }
  packer.number(options.credentials.size());
  for (const Credentials& known : options.credentials) {
    packer.number(static_cast<std::size_t>(known.target));
    packer.number(static_cast<std::size_t>(known.scheme));
    packer.text(known.user);
    packer.text(known.password);
  }
  packer.text(options.tls.client.password);
  return packer.take();
}

bool unpack_secrets(std::span<const std::byte> bytes, HttpOptions& options) {
  SecretUnpacker unpacker(bytes);
  if (unpacker.number() != pack_version) return false;
  std::vector<Header> headers;
  for (std::size_t left = unpacker.count(); left > 0 && unpacker.good(); --left) {
    Header& header = headers.emplace_back();
    header.name = unpacker.text();
    header.value = unpacker.text();
  }
  std::vector<Credentials> credentials;
  for (std::size_t left = unpacker.count(); left > 0 && unpacker.good(); --left) {
    Credentials& known = credentials.emplace_back();
    known.target = unpacker.enumerator(CredentialTarget::proxy);
    known.scheme = unpacker.enumerator(CredentialScheme::bearer);
    known.user = unpacker.text();
    known.password = unpacker.text();
  }
  std::string password = unpacker.text();
  if (!unpacker.ended()) return false;
  options.headers = std::move(headers);
  options.credentials = std::move(credentials);
  options.tls.client.password = std::move(password);
  return true;
}

}  // namespace bgxfer::inline v0::detail
