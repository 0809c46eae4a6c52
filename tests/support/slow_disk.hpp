#ifndef BGXFER_TESTS_SUPPORT_SLOW_DISK_HPP
#define BGXFER_TESTS_SUPPORT_SLOW_DISK_HPP

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::test {

/// A disk that takes its time over what it is told to, and in the calls on finished files fails when it is told to.
class SlowDisk final : public Storage {
 public:
  SlowDisk(std::shared_ptr<Storage> real, std::shared_ptr<Clock> clock)
      : real_(std::move(real)), clock_(std::move(clock)) {}

  Clock::Duration delay{0};
  Clock::Duration replace_delay{0};
  Clock::Duration sync_delay{0};  ///< Of finished files.
  int syncs = 0;                  ///< Of finished files, that have begun.
  bool throws = false;            ///< The next sync, commit or discard of files throws.
  int failing_sync = 0;           ///< Which of them fails; counted from 1.

  [[nodiscard]] Result<void> check_target(const std::filesystem::path& target) const override {
    return real_->check_target(target);
  }
  asio::awaitable<Result<std::unique_ptr<PartialFile>>> open(OpenPartial request) override {
    return real_->open(std::move(request));
  }
  asio::awaitable<Result<void>> sync(std::span<const FilePlace> files) override {
    throw_if_told();
    const bool fails = ++syncs == failing_sync;
    Result<void> synced = co_await real_->sync(files);
    co_await clock_->sleep_until(clock_->now() + sync_delay);
    if (fails) co_return Error(std::make_error_code(std::errc::io_error), ErrorContext::local_file, "the disk");
    co_return synced;
  }
  asio::awaitable<CommitReport> commit(std::span<const CommitFile> files) override {
    throw_if_told();
    return real_->commit(files);
  }
  asio::awaitable<Result<void>> discard(std::span<const FilePlace> files) override {
    throw_if_told();
    return real_->discard(files);
  }
  asio::awaitable<Result<std::uint64_t>> free_bytes(std::filesystem::path folder) override {
    return real_->free_bytes(std::move(folder));
  }
  asio::awaitable<Result<std::unique_ptr<LogFile>>> open_log(std::filesystem::path path) override {
    Result<std::unique_ptr<LogFile>> real = co_await real_->open_log(std::move(path));
    if (!real) co_return real.error();
    co_return std::make_unique<Log>(*std::move(real), *this);
  }
  [[nodiscard]] std::string epoch() const override { return real_->epoch(); }

 private:
  void throw_if_told() {
    if (std::exchange(throws, false)) throw std::runtime_error("the disk is gone");
  }

  class Log final : public LogFile {
   public:
    Log(std::unique_ptr<LogFile> real, SlowDisk& home) : real_(std::move(real)), home_(home) {}
    asio::awaitable<Result<std::vector<std::byte>>> read_all() override { return real_->read_all(); }
    asio::awaitable<Result<void>> append(std::span<const std::byte> bytes) override {
      co_await home_.clock_->sleep_until(home_.clock_->now() + home_.delay);
      co_return co_await real_->append(bytes);
    }
    asio::awaitable<Result<void>> sync() override { return real_->sync(); }
    asio::awaitable<Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes) override {
      return real_->write_again(offset, bytes);
    }
    asio::awaitable<Result<void>> replace(std::span<const std::byte> contents) override {
      co_await home_.clock_->sleep_until(home_.clock_->now() + home_.replace_delay);
      co_return co_await real_->replace(contents);
    }
    asio::awaitable<Result<std::filesystem::path>> keep_copy() override { return real_->keep_copy(); }

   private:
    const std::unique_ptr<LogFile> real_;
    SlowDisk& home_;
  };

  const std::shared_ptr<Storage> real_;
  const std::shared_ptr<Clock> clock_;
};

}  // namespace bgxfer::test

#endif
