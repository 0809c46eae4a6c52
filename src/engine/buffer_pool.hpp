#ifndef BGXFER_SRC_ENGINE_BUFFER_POOL_HPP
#define BGXFER_SRC_ENGINE_BUFFER_POOL_HPP

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bgxfer::inline v0::detail {

/// Chunk buffers that go from one transfer to the next, so that moving bytes allocates nothing. Together they stay
/// within a budget: who comes later gets a small one, and is slower, but is never turned away. Thread-safe.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  /// A buffer on loan. Goes back to the pool when destroyed.
  class Loan {
   public:
    Loan(std::shared_ptr<BufferPool> pool, std::unique_ptr<std::byte[]> bytes, std::size_t size)
        : pool_(std::move(pool)), bytes_(std::move(bytes)), size_(size) {}
    Loan(Loan&&) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
      if (bytes_) pool_->give_back(std::move(bytes_), size_);
    }

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {bytes_.get(), size_}; }

   private:
    std::shared_ptr<BufferPool> pool_;
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_;
  };

  /// What is lent beyond the budget, at most.
  static constexpr std::size_t small_bytes = 16 * 1024;

  /// Keeps at most `spare_max` buffers that nobody uses, and lends `budget_bytes` in full size.
  BufferPool(std::size_t chunk_bytes, std::size_t spare_max, std::size_t budget_bytes)
      : chunk_bytes_(chunk_bytes), spare_max_(spare_max), budget_bytes_(budget_bytes) {}

  /// How many buffers are in use, and how many are kept for later.
  struct Figures {
    std::size_t lent = 0;
    std::size_t spare = 0;
  };
  [[nodiscard]] Figures figures() {
    std::lock_guard lock(mutex_);
    return Figures{lent_, spare_.size()};
  }

  [[nodiscard]] Loan borrow() {
    std::lock_guard lock(mutex_);
    const bool in_full = lent_bytes_ + chunk_bytes_ <= budget_bytes_;
    return lend(in_full ? chunk_bytes_ : std::min(chunk_bytes_, small_bytes));
  }

  /// One more, in full size, for somebody who has one. Empty where half the budget is lent: what is left is for others.
  [[nodiscard]] std::optional<Loan> borrow_another() {
    std::lock_guard lock(mutex_);
    if (lent_bytes_ + chunk_bytes_ > budget_bytes_ / 2) return std::nullopt;
    return lend(chunk_bytes_);
  }

 private:
  Loan lend(std::size_t size) {
    std::unique_ptr<std::byte[]> bytes;
    if (size == chunk_bytes_ && !spare_.empty()) {
      bytes = std::move(spare_.back());
      spare_.pop_back();
    } else {
      bytes = std::make_unique_for_overwrite<std::byte[]>(size);
    }
    ++lent_;
    lent_bytes_ += size;
    return Loan(shared_from_this(), std::move(bytes), size);
  }

  void give_back(std::unique_ptr<std::byte[]> bytes, std::size_t size) {
    std::lock_guard lock(mutex_);
    --lent_;
    lent_bytes_ -= size;
    if (size == chunk_bytes_ && spare_.size() < spare_max_) spare_.push_back(std::move(bytes));
  }

  const std::size_t chunk_bytes_;
  const std::size_t spare_max_;
  const std::size_t budget_bytes_;
  std::size_t lent_bytes_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<std::byte[]>> spare_;
  std::size_t lent_ = 0;
};

}  // namespace bgxfer::inline v0::detail

#endif
