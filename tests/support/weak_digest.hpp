#ifndef BGXFER_TESTS_SUPPORT_WEAK_DIGEST_HPP
#define BGXFER_TESTS_SUPPORT_WEAK_DIGEST_HPP

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include <bgxfer/digest.hpp>
#include <bgxfer/options.hpp>

namespace bgxfer::test {

/// A digest that no test can fool by accident and that needs no library: FNV-1a, in the place of SHA-256.
class WeakDigest final : public Sha256Stream {
 public:
  void update(std::span<const std::byte> bytes) override {
    for (std::byte byte : bytes) state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
  }
  Sha256 finish() override {
    Sha256 value;
    std::memcpy(value.bytes.data(), &state_, sizeof state_);
    return value;
  }

 private:
  std::uint64_t state_ = 14695981039346656037u;
};

/// For `QueueOptions::sha256`.
inline std::unique_ptr<Sha256Stream> weak_digest() { return std::make_unique<WeakDigest>(); }

inline Sha256 weak_digest_of(std::string_view text) {
  WeakDigest digest;
  digest.update(std::as_bytes(std::span(text)));
  return digest.finish();
}

/// The same file with its size and hashes of its pieces.
inline FileSpec in_pieces(FileSpec spec, std::string_view content, std::size_t piece_bytes) {
  spec.size = content.size();
  spec.pieces.bytes = piece_bytes;
  for (std::size_t at = 0; at < content.size(); at += piece_bytes) {
    spec.pieces.sha256.push_back(weak_digest_of(content.substr(at, piece_bytes)));
  }
  return spec;
}

}  // namespace bgxfer::test

#endif
