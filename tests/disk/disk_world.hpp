#ifndef BGXFER_TESTS_DISK_WORLD_HPP
#define BGXFER_TESTS_DISK_WORLD_HPP

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <bgxfer/disk/disk_storage.hpp>

// A folder of its own on the real disk, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bgxfer-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct DiskWorld {
  bgxfer::Storage& storage() { return *disk; }
  std::filesystem::path folder() { return temporary.path(); }
  void run(asio::awaitable<void> work) {
    auto rethrow = [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    };
    asio::co_spawn(io, std::move(work), rethrow);
    io.restart();
    io.run();
  }
  void put(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  std::optional<std::string> contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  TemporaryFolder temporary;
  asio::io_context io;
  std::shared_ptr<bgxfer::Storage> disk = bgxfer::disk::make_storage();
};

#endif
