// The memory of a process that makes and forgets a world for each schedule: one thread, the same few sizes again and
// again. Free blocks wait in a list for each size; what the lists hold is never given back. That is a fifth of the time
// of a schedule.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t grain = 16;
constexpr std::size_t small_max = 1024;  // By the grain up to here, by powers of two from here on.
constexpr std::size_t block_max = std::size_t{1} << 20;
constexpr std::size_t classes = small_max / grain + 1 + 10;
constexpr std::size_t slab_bytes = std::size_t{1} << 22;

struct Free {
  Free* next;
};

std::array<Free*, classes> lists;
std::byte* slab = nullptr;
std::size_t slab_left = 0;

/// Before each block: its class, or `classes` for one that malloc made.
struct alignas(grain) Header {
  std::size_t number;
};

std::size_t class_of(std::size_t bytes) {
  if (bytes <= small_max) return (bytes + grain - 1) / grain;
  return small_max / grain + static_cast<std::size_t>(std::bit_width((bytes - 1) / small_max));
}

std::size_t bytes_of(std::size_t number) {
  if (number <= small_max / grain) return number * grain;
  return small_max << (number - small_max / grain);
}

void* mark(void* place, std::size_t number) { return ::new (place) Header{number} + 1; }

void* fresh(std::size_t number) {
  const std::size_t bytes = bytes_of(number) + sizeof(Header);
  if (bytes > slab_left) {
    slab = static_cast<std::byte*>(std::malloc(slab_bytes));
    if (!slab) throw std::bad_alloc();
    slab_left = slab_bytes;
  }
  void* place = slab;
  slab += bytes;
  slab_left -= bytes;
  return mark(place, number);
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (bytes > block_max) {
    void* place = std::malloc(bytes + sizeof(Header));
    if (!place) throw std::bad_alloc();
    return mark(place, classes);
  }
  const std::size_t number = class_of(bytes);
  if (Free* free = lists[number]) {
    lists[number] = free->next;
    return free;
  }
  return fresh(number < 1 ? 1 : number);
}

void operator delete(void* block) noexcept {
  if (!block) return;
  Header* const header = static_cast<Header*>(block) - 1;
  if (header->number == classes) {
    std::free(header);
    return;
  }
  const std::size_t number = header->number;
  lists[number] = ::new (block) Free{lists[number]};
}

void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
