#ifndef BGXFER_SRC_ENGINE_HASHER_HPP
#define BGXFER_SRC_ENGINE_HASHER_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <bgxfer/detail/asio.hpp>
#include <bgxfer/digest.hpp>

#include "latch.hpp"

namespace bgxfer::inline v0::detail {

/// A SHA-256 of bytes in their order, computed beside the transfer that brings them: while one chunk is hashed on a
/// strand of its own, the next one arrives. With one thread nothing is gained, and little is lost.
///
/// Used on one strand, by one coroutine at a time or by several that take turns.
class Hasher : public std::enable_shared_from_this<Hasher> {
 public:
  Hasher(const asio::any_io_executor& executor, Sha256Factory make);

  /// Starts anew, with the byte at `at` as the first. Only when idle.
  void begin(std::uint64_t at);

  /// The place of the byte that is to come next. Empty before the first `begin`, and after `finish`.
  [[nodiscard]] std::optional<std::uint64_t> next() const noexcept { return next_; }

  /// Takes `bytes` if `at` is the place that comes next. They stay as they are until `idle` has resolved. Waits for
  /// the chunk before; cancelling the wait changes nothing.
  asio::awaitable<void> feed(std::uint64_t at, std::span<const std::byte> bytes);

  /// Resolves when nothing is being hashed, also where the wait is cancelled.
  asio::awaitable<void> idle();

  /// The value of all bytes since `begin`. Only when idle.
  [[nodiscard]] Sha256 finish();

 private:
  asio::any_io_executor strand_;
  const Sha256Factory make_;
  std::unique_ptr<Sha256Stream> stream_;
  std::optional<std::uint64_t> next_;
  std::atomic<bool> busy_ = false;
  Latch done_;
};

}  // namespace bgxfer::inline v0::detail

#endif
