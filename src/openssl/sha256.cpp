#include <bgxfer/openssl/sha256.hpp>

#include <memory>
#include <new>
#include <span>

#include <openssl/evp.h>

namespace bgxfer::inline v0::openssl {

namespace {

struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

class EvpSha256Stream final : public Sha256Stream {
 public:
  EvpSha256Stream() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }

  void update(std::span<const std::byte> bytes) override {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }

  Sha256 finish() override {
    Sha256 value;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(value.bytes.data()), nullptr);
    return value;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeDigestContext> context_;
};

}  // namespace

Sha256Factory sha256() {
  return [] { return std::make_unique<EvpSha256Stream>(); };
}

}  // namespace bgxfer::inline v0::openssl
