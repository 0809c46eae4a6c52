#ifndef BGXFER_MEMORY_MEMORY_STORAGE_HPP
#define BGXFER_MEMORY_MEMORY_STORAGE_HPP

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0::memory {

/// Files in memory: the reference implementation of `Storage`, for tests and for hosts that fetch what never needs to
/// reach a disk.
///
/// Paths are names: absolute, compared as text, and every folder exists. File name rules, locks, identities and the
/// order of a commit are those of the contract; there is nothing to sync, and nothing survives the object. No limit
/// but the machine's memory: running out of it is `std::bad_alloc`.
///
/// Any thread may call any member. Files and logs that were opened keep the contents alive when the storage is gone.
class BGXFER_API MemoryStorage final : public Storage {
 public:
  MemoryStorage();
  ~MemoryStorage() override;
  MemoryStorage(const MemoryStorage&) = delete;
  MemoryStorage& operator=(const MemoryStorage&) = delete;

  /// The whole file, under a final or a temporary name, or a log; empty if there is none.
  [[nodiscard]] std::optional<std::vector<std::byte>> contents(const std::filesystem::path& path) const;
  /// Makes a file, or puts a new one in the place of the one that has the name.
  void put(const std::filesystem::path& path, std::span<const std::byte> bytes);
  void put(const std::filesystem::path& path, std::string_view text);
  /// Takes the name away; files that are open live on. False if there was none.
  bool remove(const std::filesystem::path& path);
  /// All names, sorted.
  [[nodiscard]] std::vector<std::filesystem::path> names() const;
  /// The time that a commit gave the file; empty if it gave none, or there is no such file.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> modified(const std::filesystem::path& path) const;

  [[nodiscard]] Result<void> check_target(const std::filesystem::path& target) const override;
  asio::awaitable<Result<std::unique_ptr<PartialFile>>> open(OpenPartial request) override;
  asio::awaitable<Result<void>> sync(std::span<const FilePlace> files) override;
  asio::awaitable<CommitReport> commit(std::span<const CommitFile> files) override;
  asio::awaitable<Result<void>> discard(std::span<const FilePlace> files) override;
  /// Always a pebibyte: memory is not a disk.
  asio::awaitable<Result<std::uint64_t>> free_bytes(std::filesystem::path folder) override;
  asio::awaitable<Result<std::unique_ptr<LogFile>>> open_log(std::filesystem::path path) override;
  /// Always the same: what is gone with the storage takes the journal with it.
  [[nodiscard]] std::string epoch() const override;

 private:
  struct Names;
  std::shared_ptr<Names> names_;
};

/// A `MemoryStorage` for hosts that need no more than the door.
[[nodiscard]] BGXFER_API std::shared_ptr<Storage> make_storage();

}  // namespace bgxfer::inline v0::memory

#endif
