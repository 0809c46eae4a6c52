#ifndef BGXFER_SRC_BASE_HASH_SET_HPP
#define BGXFER_SRC_BASE_HASH_SET_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bgxfer::inline v0::detail {

/// Numbers that are hashes already: in one piece of memory, at most 3/4 full, where `std::unordered_set` takes a piece
/// for each. Zero and one count as the same.
class HashSet {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Makes room, so that nothing moves before the set has `count` hashes. Strong guarantee.
  void reserve(std::size_t count) {
    if (count <= slots_.size() / 4 * 3) return;
    std::vector<std::uint64_t> grown(std::max(std::bit_ceil(count + count / 3 + 1), slots_min));
    grown.swap(slots_);
    for (std::uint64_t hash : grown) {
      if (hash != empty) slots_[find(hash)] = hash;
    }
  }

  /// Whether it was not in yet. There is room for it.
  bool insert(std::uint64_t hash) noexcept {
    hash = std::max(hash, empty + 1);
    std::uint64_t& slot = slots_[find(hash)];
    if (slot == hash) return false;
    slot = hash;
    ++size_;
    return true;
  }

  /// Takes out what was inserted last. May be repeated with the one before it, unless `reserve` came in between.
  void undo(std::uint64_t hash) noexcept {
    slots_[find(std::max(hash, empty + 1))] = empty;
    --size_;
  }

 private:
  static constexpr std::uint64_t empty = 0;
  static constexpr std::size_t slots_min = 16;

  /// Where it is, or where it belongs: from the place of its low bits on, the first one that is free.
  [[nodiscard]] std::size_t find(std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots_[at] != empty && slots_[at] != hash) at = (at + 1) & mask;
    return at;
  }

  std::vector<std::uint64_t> slots_;  // As many as a power of two.
  std::size_t size_ = 0;
};

}  // namespace bgxfer::inline v0::detail

#endif
