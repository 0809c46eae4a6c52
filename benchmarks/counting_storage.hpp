#ifndef BGXFER_BENCHMARKS_COUNTING_STORAGE_HPP
#define BGXFER_BENCHMARKS_COUNTING_STORAGE_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <bgxfer/storage.hpp>

/// What a queue asked of its storage.
struct StorageCounts {
  std::atomic<std::uint64_t> log_bytes = 0;
  std::atomic<std::uint64_t> log_appends = 0;
  std::atomic<std::uint64_t> log_syncs = 0;   ///< Among them the log's replacements, which are durable too.
  std::atomic<std::uint64_t> file_syncs = 0;  ///< Of an open file, or of a batch.

  /// When an open file was synced, and how many syncs of any kind had begun until then. On one thread.
  struct Moment {
    double seconds = 0;
    std::uint64_t syncs = 0;
  };
  Moment first_checkpoint{};
  Moment last_checkpoint{};

  void note_checkpoint() {
    const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
    last_checkpoint = Moment{now.count(), log_syncs + file_syncs};
    if (first_checkpoint.syncs == 0) first_checkpoint = last_checkpoint;
    ++file_syncs;
  }
};

/// A storage that counts, around another that works.
class CountingStorage final : public bgxfer::Storage {
 public:
  CountingStorage(std::shared_ptr<bgxfer::Storage> inner, std::shared_ptr<StorageCounts> counts)
      : inner_(std::move(inner)), counts_(std::move(counts)) {}

  bgxfer::Result<void> check_target(const std::filesystem::path& target) const override {
    return inner_->check_target(target);
  }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::PartialFile>>> open(bgxfer::OpenPartial request) override {
    bgxfer::Result<std::unique_ptr<bgxfer::PartialFile>> opened = co_await inner_->open(std::move(request));
    if (!opened) co_return opened.error();
    std::unique_ptr<bgxfer::PartialFile> file = std::make_unique<File>(*std::move(opened), counts_);
    co_return std::move(file);
  }
  asio::awaitable<bgxfer::Result<void>> sync(std::span<const bgxfer::FilePlace> files) override {
    ++counts_->file_syncs;
    return inner_->sync(files);
  }
  asio::awaitable<bgxfer::CommitReport> commit(std::span<const bgxfer::CommitFile> files) override {
    return inner_->commit(files);
  }
  asio::awaitable<bgxfer::Result<void>> discard(std::span<const bgxfer::FilePlace> files) override {
    return inner_->discard(files);
  }
  asio::awaitable<bgxfer::Result<std::uint64_t>> free_bytes(std::filesystem::path folder) override {
    return inner_->free_bytes(std::move(folder));
  }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::LogFile>>> open_log(std::filesystem::path path) override {
    bgxfer::Result<std::unique_ptr<bgxfer::LogFile>> opened = co_await inner_->open_log(std::move(path));
    if (!opened) co_return opened.error();
    std::unique_ptr<bgxfer::LogFile> log = std::make_unique<Log>(*std::move(opened), counts_);
    co_return std::move(log);
  }
  std::string epoch() const override { return inner_->epoch(); }

 private:
  class File final : public bgxfer::PartialFile {
   public:
    File(std::unique_ptr<bgxfer::PartialFile> inner, std::shared_ptr<StorageCounts> counts)
        : inner_(std::move(inner)), counts_(std::move(counts)) {}
    bgxfer::FileIdentity identity() const noexcept override { return inner_->identity(); }
    asio::awaitable<bgxfer::Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
      return inner_->write(offset, bytes);
    }
    asio::awaitable<bgxfer::Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) override {
      return inner_->read(offset, into);
    }
    asio::awaitable<bgxfer::Result<std::uint64_t>> size() override { return inner_->size(); }
    asio::awaitable<bgxfer::Result<void>> resize(std::uint64_t bytes) override { return inner_->resize(bytes); }
    asio::awaitable<bgxfer::Result<void>> reserve(std::uint64_t bytes) override { return inner_->reserve(bytes); }
    asio::awaitable<bgxfer::Result<void>> sync() override {
      counts_->note_checkpoint();
      return inner_->sync();
    }

   private:
    std::unique_ptr<bgxfer::PartialFile> inner_;
    std::shared_ptr<StorageCounts> counts_;
  };

  class Log final : public bgxfer::LogFile {
   public:
    Log(std::unique_ptr<bgxfer::LogFile> inner, std::shared_ptr<StorageCounts> counts)
        : inner_(std::move(inner)), counts_(std::move(counts)) {}
    asio::awaitable<bgxfer::Result<std::vector<std::byte>>> read_all() override { return inner_->read_all(); }
    asio::awaitable<bgxfer::Result<void>> append(std::span<const std::byte> bytes) override {
      counts_->log_bytes += bytes.size();
      ++counts_->log_appends;
      return inner_->append(bytes);
    }
    asio::awaitable<bgxfer::Result<void>> sync() override {
      ++counts_->log_syncs;
      return inner_->sync();
    }
    asio::awaitable<bgxfer::Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes) override {
      counts_->log_bytes += bytes.size();
      return inner_->write_again(offset, bytes);
    }
    asio::awaitable<bgxfer::Result<void>> replace(std::span<const std::byte> contents) override {
      counts_->log_bytes += contents.size();
      ++counts_->log_syncs;
      return inner_->replace(contents);
    }
    asio::awaitable<bgxfer::Result<std::filesystem::path>> keep_copy() override { return inner_->keep_copy(); }

   private:
    std::unique_ptr<bgxfer::LogFile> inner_;
    std::shared_ptr<StorageCounts> counts_;
  };

  std::shared_ptr<bgxfer::Storage> inner_;
  std::shared_ptr<StorageCounts> counts_;
};

#endif
