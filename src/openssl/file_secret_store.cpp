#include <bgxfer/openssl/file_secret_store.hpp>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bgxfer::inline v0::openssl {

namespace {

using Sealed = std::vector<std::byte>;

constexpr std::string_view store_magic = "bgxfer secrets 1\n";
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t secret_bytes_max = 1024 * 1024;
/// A store for so many jobs is read at once; a larger file is not one of ours.
constexpr std::size_t store_bytes_max = 256 * 1024 * 1024;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }
const unsigned char* raw(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

Error store_error(Errc code, const std::filesystem::path& path, const char* why) {
  return Error(code, ErrorContext::local_file, path.string() + ": " + why);
}
Error store_system_error(const std::filesystem::path& path) {
  return Error(std::error_code(errno, std::system_category()), ErrorContext::local_file, path.string());
}

/// Nonce, tag, and the secret under the key; the name is authenticated with it.
std::optional<Sealed> seal(const SecretKey& key, std::string_view name, std::span<const std::byte> secret) {
  Sealed sealed(nonce_bytes + tag_bytes + secret.size());
  std::byte* nonce = sealed.data();
  std::byte* tag = nonce + nonce_bytes;
  std::byte* text = tag + tag_bytes;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int count = 0;
  const bool done =
      cipher && RAND_bytes(raw(nonce), nonce_bytes) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key.data()), raw(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &count, raw(name.data()), static_cast<int>(name.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), raw(text), &count, raw(secret.data()), static_cast<int>(secret.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), raw(text) + count, &count) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag) == 1;
  if (!done) return std::nullopt;
  return sealed;
}

/// The secret, if the key is right and nobody has touched it or its name.
std::optional<std::vector<std::byte>> unseal(const SecretKey& key, std::string_view name, Sealed sealed) {
  if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
  std::byte* nonce = sealed.data();
  std::byte* tag = nonce + nonce_bytes;
  const std::byte* text = tag + tag_bytes;
  std::vector<std::byte> secret(sealed.size() - nonce_bytes - tag_bytes + 1);  // Room for a pointer to the end.
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int count = 0;
  const bool done =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key.data()), raw(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &count, raw(name.data()), static_cast<int>(name.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), raw(secret.data()), &count, raw(text), static_cast<int>(secret.size() - 1)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), raw(secret.data()) + count, &count) == 1;
  if (!done) return std::nullopt;
  secret.pop_back();
  return secret;
}

void put_number(std::string& out, std::size_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

std::optional<std::size_t> take_number(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::size_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  from.remove_prefix(4);
  return value;
}

std::optional<std::string_view> take_text(std::string_view& from, std::size_t bytes_max) {
  const std::optional<std::size_t> size = take_number(from);
  if (!size || *size > bytes_max || *size > from.size()) return std::nullopt;
  const std::string_view text = from.substr(0, *size);
  from.remove_prefix(*size);
  return text;
}

/// An open file, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

class FileSecretStore final : public SecretStore {
 public:
  FileSecretStore(std::filesystem::path path, const SecretKey& key) : path_(std::move(path)), key_(key) {}
  ~FileSecretStore() override { OPENSSL_cleanse(key_.data(), key_.size()); }

  asio::awaitable<Result<void>> put(std::string name, std::vector<std::byte> secret) override {
    const std::lock_guard lock(mutex_);
    const Result<void> loaded = load();
    if (!loaded) co_return loaded;
    if (name.empty() || name.size() > name_bytes_max || secret.size() > secret_bytes_max) {
      co_return store_error(Errc::string_too_long, path_, "the name or the secret is too long");
    }
    std::optional<Sealed> sealed = seal(key_, name, secret);
    OPENSSL_cleanse(secret.data(), secret.size());
    if (!sealed) co_return store_error(Errc::journal_failed, path_, "OpenSSL cannot seal a secret");
    std::map<std::string, Sealed> changed = entries_;
    changed[std::move(name)] = *std::move(sealed);
    co_return save(std::move(changed));
  }

  asio::awaitable<Result<std::vector<std::byte>>> get(std::string name) override {
    const std::lock_guard lock(mutex_);
    const Result<void> loaded = load();
    if (!loaded) co_return loaded.error();
    const auto found = entries_.find(name);
    if (found == entries_.end()) co_return store_error(Errc::not_found, path_, "has no secret of that name");
    std::optional<std::vector<std::byte>> secret = unseal(key_, name, found->second);
    if (!secret) co_return store_error(Errc::journal_damaged, path_, "the key is another one, or the file was changed");
    co_return *std::move(secret);
  }

  asio::awaitable<Result<void>> erase(std::string name) override {
    const std::lock_guard lock(mutex_);
    const Result<void> loaded = load();
    if (!loaded || !entries_.contains(name)) co_return loaded;
    std::map<std::string, Sealed> changed = entries_;
    changed.erase(name);
    co_return save(std::move(changed));
  }

 private:
  Result<void> load() {
    if (loaded_) return {};
    const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.number() < 0) {
      if (errno != ENOENT) return store_system_error(path_);
      loaded_ = true;
      return {};
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) return store_system_error(path_);
    if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) > store_bytes_max) {
      return store_error(Errc::journal_foreign, path_, "is not a store of secrets");
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    for (std::size_t filled = 0; filled < text.size();) {
      const ssize_t count = ::read(file.number(), text.data() + filled, text.size() - filled);
      if (count < 0) return store_system_error(path_);
      if (count == 0) text.resize(filled);
      filled += static_cast<std::size_t>(count);
    }
    if (!text.starts_with(store_magic)) return store_error(Errc::journal_foreign, path_, "is not a store of secrets");

    std::map<std::string, Sealed> entries;
    std::string_view rest = std::string_view(text).substr(store_magic.size());
    while (!rest.empty()) {
      const auto name = take_text(rest, name_bytes_max);
      const auto sealed = name ? take_text(rest, secret_bytes_max + nonce_bytes + tag_bytes) : std::nullopt;
      if (!sealed) return store_error(Errc::journal_damaged, path_, "is cut off or damaged");
      const auto* bytes = reinterpret_cast<const std::byte*>(sealed->data());
      entries[std::string(*name)] = Sealed(bytes, bytes + sealed->size());
    }
    entries_ = std::move(entries);
    loaded_ = true;
    return {};
  }

  /// Writes a new file beside the old one, then puts it in its place: at no time is there half a store.
  Result<void> save(std::map<std::string, Sealed> entries) {
    std::string text(store_magic);
    for (const auto& [name, sealed] : entries) {
      put_number(text, name.size());
      text += name;
      put_number(text, sealed.size());
      text.append(reinterpret_cast<const char*>(sealed.data()), sealed.size());
    }
    const std::filesystem::path fresh = path_.native() + ".new";
    ::unlink(fresh.c_str());
    {
      const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (file.number() < 0) return store_system_error(fresh);
      for (std::size_t written = 0; written < text.size();) {
        const ssize_t count = ::write(file.number(), text.data() + written, text.size() - written);
        if (count < 0) return store_system_error(fresh);
        written += static_cast<std::size_t>(count);
      }
      if (::fsync(file.number()) != 0) return store_system_error(fresh);
    }
    if (::rename(fresh.c_str(), path_.c_str()) != 0) return store_system_error(path_);
    const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.number() < 0 || ::fsync(directory.number()) != 0) return store_system_error(folder);
    entries_ = std::move(entries);
    return {};
  }

  const std::filesystem::path path_;
  SecretKey key_;
  std::mutex mutex_;
  bool loaded_ = false;
  std::map<std::string, Sealed> entries_;
};

}  // namespace

std::shared_ptr<SecretStore> make_file_secret_store(std::filesystem::path path, const SecretKey& key) {
  return std::make_shared<FileSecretStore>(std::move(path), key);
}

}  // namespace bgxfer::inline v0::openssl
