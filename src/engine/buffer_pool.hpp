#ifndef BGXFER_SRC_ENGINE_BUFFER_POOL_HPP
#define BGXFER_SRC_ENGINE_BUFFER_POOL_HPP

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace bgxfer::inline v0::detail {

/// Chunk buffers that go from one transfer to the next, so that moving bytes allocates nothing. Thread-safe.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  /// A buffer on loan. Goes back to the pool when destroyed.
  class Loan {
   public:
    Loan(std::shared_ptr<BufferPool> pool, std::unique_ptr<std::byte[]> bytes)
        : pool_(std::move(pool)), bytes_(std::move(bytes)) {}
    Loan(Loan&&) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
      if (bytes_) pool_->give_back(std::move(bytes_));
    }

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {bytes_.get(), pool_->chunk_bytes_}; }

   private:
    std::shared_ptr<BufferPool> pool_;
    std::unique_ptr<std::byte[]> bytes_;
  };

  /// Keeps at most `spare_max` buffers that nobody uses.
  BufferPool(std::size_t chunk_bytes, std::size_t spare_max) : chunk_bytes_(chunk_bytes), spare_max_(spare_max) {}

  [[nodiscard]] Loan borrow() {
    std::unique_ptr<std::byte[]> bytes;
    {
      std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        bytes = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    if (!bytes) bytes = std::make_unique_for_overwrite<std::byte[]>(chunk_bytes_);
    return Loan(shared_from_this(), std::move(bytes));
  }

 private:
  void give_back(std::unique_ptr<std::byte[]> bytes) {
    std::lock_guard lock(mutex_);
    if (spare_.size() < spare_max_) spare_.push_back(std::move(bytes));
  }

  const std::size_t chunk_bytes_;
  const std::size_t spare_max_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<std::byte[]>> spare_;
};

}  // namespace bgxfer::inline v0::detail

#endif
