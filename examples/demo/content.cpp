#include "content.hpp"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include <fmt/format.h>
#include <bgxfer/openssl/sha256.hpp>

namespace demo {

namespace {

constexpr std::size_t block_bytes = 64 * 1024;
using Block = std::array<char, block_bytes>;

/// The bytes of a file from `offset` on, up to the end of the block that they lie in.
std::string_view bytes_at(const Asset& asset, std::uint64_t offset, Block& block) {
  // splitmix64, started anew for each block: any part of a file can be made without those before it.
  const std::uint64_t index = offset / block_bytes;
  std::uint64_t state = (asset.number << 40) + index * 0x9E3779B97F4A7C15u;
  for (std::size_t i = 0; i < block_bytes; i += sizeof state) {
    std::uint64_t word = state += 0x9E3779B97F4A7C15u;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    word ^= word >> 31;
    std::memcpy(block.data() + i, &word, sizeof word);
  }
  const std::uint64_t begin = offset % block_bytes;
  const std::uint64_t end = std::min<std::uint64_t>(block_bytes, asset.bytes - index * block_bytes);
  return {block.data() + begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::uint64_t Package::bytes() const {
  std::uint64_t sum = 0;
  for (const Asset& asset : assets) sum += asset.bytes;
  return sum;
}

// The odd sizes are on purpose: real files do not end where blocks do.
Package world_package(std::uint64_t scale) {
  const std::uint64_t mib = scale << 20;
  return {"world",
          {{"world/terrain.pak", 6 * mib + 4711, 1},
           {"world/textures.pak", 4 * mib + 1, 2},
           {"world/models.pak", 2 * mib + 815, 3},
           {"world/music.pak", mib + 9999, 4},
           {"world/voices.pak", mib - 17, 5}}};
}

Package hotfix_package(std::uint64_t scale) {
  const std::uint64_t mib = scale << 20;
  return {"hotfix", {{"hotfix/game.bin", 2 * mib + 123, 6}, {"hotfix/shaders.bin", mib + 45, 7}}};
}

bgxfer::Sha256 expected_sha256(const Asset& asset) {
  const std::unique_ptr<bgxfer::Sha256Stream> stream = bgxfer::openssl::sha256()();
  auto block = std::make_unique<Block>();
  for (std::uint64_t offset = 0; offset < asset.bytes;) {
    const std::string_view bytes = bytes_at(asset, offset, *block);
    stream->update(std::as_bytes(std::span(bytes)));
    offset += bytes.size();
  }
  return stream->finish();
}

struct ContentServer::Impl {
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

ContentServer::ContentServer(const std::vector<Package>& packages) : impl_(std::make_unique<Impl>()) {
  httplib::Server& server = impl_->server;
  server.set_tcp_nodelay(true);
  for (const Package& package : packages) {
    for (const Asset& asset : package.assets) {
      server.Get("/" + asset.name, [asset](const httplib::Request&, httplib::Response& response) {
        response.set_header("ETag", fmt::format("\"{}-{}\"", asset.number, asset.bytes));
        const auto send = [asset](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
          auto block = std::make_unique<Block>();
          const std::string_view bytes = bytes_at(asset, offset, *block).substr(0, length);
          return sink.write(bytes.data(), bytes.size());
        };
        response.set_content_provider(asset.bytes, "application/octet-stream", send);
      });
    }
  }
  impl_->port = server.bind_to_any_port("127.0.0.1");
  impl_->thread = std::thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

ContentServer::~ContentServer() {
  impl_->server.stop();
  impl_->thread.join();
}

std::string ContentServer::url() const { return fmt::format("http://127.0.0.1:{}/", impl_->port); }

}  // namespace demo
