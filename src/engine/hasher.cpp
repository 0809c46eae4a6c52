#include "hasher.hpp"

#include <cassert>
#include <utility>

#include <asio/post.hpp>

#include "../ports/strand.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Fewer bytes are hashed in less time than handing them over takes.
constexpr std::size_t handover_bytes_min = 16 * 1024;

}  // namespace

Hasher::Hasher(const asio::any_io_executor& executor, Sha256Factory make)
    : strand_(Strand(executor)), make_(std::move(make)) {}

void Hasher::begin(std::uint64_t at) {
  assert(!busy_);
  stream_ = make_();
  next_ = at;
}

asio::awaitable<void> Hasher::feed(std::uint64_t at, std::span<const std::byte> bytes) {
  co_await idle();
  // Meanwhile another one may have brought the same bytes.
  if (next_ != at) co_return;
  next_ = at + bytes.size();
  if (bytes.size() < handover_bytes_min) {
    stream_->update(bytes);
    co_return;
  }
  busy_ = true;
  asio::post(strand_, [self = shared_from_this(), bytes] {
    self->stream_->update(bytes);
    self->busy_ = false;
    self->done_.notify();
  });
}

asio::awaitable<void> Hasher::idle() {
  for (;;) {
    const std::uint64_t seen = done_.version();
    if (!busy_) co_return;
    co_await done_.changed_since(seen);
  }
}

Sha256 Hasher::finish() {
  assert(!busy_ && stream_);
  const Sha256 value = stream_->finish();
  stream_.reset();
  next_.reset();
  return value;
}

}  // namespace bgxfer::inline v0::detail
