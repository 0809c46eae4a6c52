#ifndef BGXFER_EXAMPLES_DEMO_CONTENT_HPP
#define BGXFER_EXAMPLES_DEMO_CONTENT_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <bgxfer/digest.hpp>

namespace demo {

/// One file of the game: its bytes are computed from its number, so they need no room anywhere.
struct Asset {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint64_t number = 0;
};

/// What a job fetches.
struct Package {
  std::string name;
  std::vector<Asset> assets;

  [[nodiscard]] std::uint64_t bytes() const;
};

/// The big download in the background, and the small one that cannot wait. `scale`: MiB of the smallest file.
[[nodiscard]] Package world_package(std::uint64_t scale);
[[nodiscard]] Package hotfix_package(std::uint64_t scale);

/// The SHA-256 that a file of these bytes must have.
[[nodiscard]] bgxfer::Sha256 expected_sha256(const Asset& asset);

/// A content server on a free port of the loopback interface, with threads of its own.
class ContentServer {
 public:
  explicit ContentServer(const std::vector<Package>& packages);
  ~ContentServer();

  [[nodiscard]] std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace demo

#endif
