#ifndef BGXFER_TESTS_SUPPORT_TEST_LOG_HPP
#define BGXFER_TESTS_SUPPORT_TEST_LOG_HPP

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/storage.hpp>
#include <bgxfer/testing/simulation.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace bgxfer_tests {

/// What a log is to a disk: what it would show to a reader now, and what would be left of it after a power cut.
struct TestDisk {
  std::vector<std::byte> seen;
  std::vector<std::byte> durable;
  std::size_t clean = 0;  ///< Bytes at the front that a sync does not write, because it did, or could not.
  std::vector<std::vector<std::byte>> copies;
  int calls = 0;       ///< All but readings, so far.
  int fail_from = -1;  ///< Calls from this one on fail ...
  int fail_count = 0;  ///< ... as many of them.
  int appends = 0;
  int syncs = 0;

  bool failing() {
    const int call = calls++;
    return fail_from >= 0 && call >= fail_from && call < fail_from + fail_count;
  }
};

/// A log on a `TestDisk`. A failed append leaves half of the bytes, a failed sync loses what was not durable.
class TestLog final : public bgxfer::LogFile {
 public:
  explicit TestLog(TestDisk& disk) : disk_(disk) {}

  asio::awaitable<bgxfer::Result<std::vector<std::byte>>> read_all() override {
    co_return std::vector<std::byte>(disk_.seen);
  }
  asio::awaitable<bgxfer::Result<void>> append(std::span<const std::byte> bytes) override {
    ++disk_.appends;
    const bool fails = disk_.failing();
    if (fails) bytes = bytes.first(bytes.size() / 2);
    disk_.seen.insert(disk_.seen.end(), bytes.begin(), bytes.end());
    if (fails) co_return broken();
    co_return bgxfer::Result<void>();
  }
  asio::awaitable<bgxfer::Result<void>> sync() override {
    ++disk_.syncs;
    const std::size_t clean = std::exchange(disk_.clean, disk_.seen.size());
    if (disk_.failing()) co_return broken();
    disk_.durable.resize(disk_.seen.size());
    std::copy(disk_.seen.begin() + static_cast<std::ptrdiff_t>(clean), disk_.seen.end(),
              disk_.durable.begin() + static_cast<std::ptrdiff_t>(clean));
    co_return bgxfer::Result<void>();
  }
  asio::awaitable<bgxfer::Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (disk_.failing()) co_return broken();
    std::copy(bytes.begin(), bytes.end(), disk_.seen.begin() + static_cast<std::ptrdiff_t>(offset));
    disk_.clean = std::min(disk_.clean, static_cast<std::size_t>(offset));
    co_return bgxfer::Result<void>();
  }
  asio::awaitable<bgxfer::Result<void>> replace(std::span<const std::byte> contents) override {
    if (disk_.failing()) co_return broken();
    disk_.seen.assign(contents.begin(), contents.end());
    disk_.durable = disk_.seen;
    disk_.clean = disk_.seen.size();
    co_return bgxfer::Result<void>();
  }
  asio::awaitable<bgxfer::Result<std::filesystem::path>> keep_copy() override {
    if (disk_.failing()) co_return broken();
    disk_.copies.push_back(disk_.seen);
    co_return std::filesystem::path("/journal.damaged-" + std::to_string(disk_.copies.size()));
  }

 private:
  static bgxfer::Error broken() {
    return bgxfer::Error(std::make_error_code(std::errc::io_error), bgxfer::ErrorContext::local_file, "/journal");
  }

  TestDisk& disk_;
};

template <class T>
asio::awaitable<void> keep_result(asio::awaitable<T> work, std::optional<T>& into) {
  T result = co_await std::move(work);
  into.emplace(std::move(result));
}

/// Runs an awaitable to its end in a world of its own.
template <class T>
T run(asio::awaitable<T> work) {
  bgxfer::testing::Simulation world;
  std::optional<T> result;
  asio::co_spawn(world.executor(), keep_result(std::move(work), result), asio::detached);
  world.run();
  return std::move(result).value();
}

}  // namespace bgxfer_tests

#endif
