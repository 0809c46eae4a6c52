#include <bgxfer/memory/memory_storage.hpp>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "contract/storage_contract.hpp"

namespace {

void memory_rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

struct MemoryWorld {
  bgxfer::Storage& storage() { return files; }
  std::filesystem::path folder() { return "/downloads"; }
  void run(asio::awaitable<void> work) {
    asio::co_spawn(simulation.executor(), std::move(work), memory_rethrow);
    simulation.run();
  }
  void put(const std::filesystem::path& path, std::string_view text) { files.put(path, text); }
  std::optional<std::string> contents(const std::filesystem::path& path) {
    const auto bytes = files.contents(path);
    if (!bytes) return std::nullopt;
    return storage_contract_support::text_of(*bytes);
  }

  bgxfer::testing::Simulation simulation;
  bgxfer::memory::MemoryStorage files;
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(storage_contract, MemoryWorld);

TEST_CASE("files in memory are put, listed and removed") {
  bgxfer::memory::MemoryStorage files;
  files.put("/b", "two");
  files.put("/a", "one");
  CHECK(files.names() == std::vector<std::filesystem::path>{"/a", "/b"});
  CHECK(files.remove("/a"));
  CHECK_FALSE(files.remove("/a"));
  CHECK_FALSE(files.contents("/a"));
  CHECK(files.contents("/b"));
}

TEST_CASE("a commit gives a file in memory its time") {
  MemoryWorld world;
  const bgxfer::FilePlace place("/downloads/a", ".a.part");
  const std::chrono::system_clock::time_point when{std::chrono::seconds{1'000'000'000}};
  storage_contract_support::open_new(world, place);
  std::vector<bgxfer::CommitFile> batch{bgxfer::CommitFile(place)};
  batch[0].modified = when;
  CHECK(storage_contract_support::await(world, world.files.commit(batch)).done == 1);
  CHECK(world.files.modified("/downloads/a") == when);
  CHECK_FALSE(world.files.modified("/downloads/b"));
}
