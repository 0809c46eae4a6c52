#ifndef BGXFER_TESTS_SUPPORT_COUNTED_HEAP_HPP
#define BGXFER_TESTS_SUPPORT_COUNTED_HEAP_HPP

// A program that counts how often it takes memory from the heap, in all of it: included by one of its sources, once.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace bgxfer::test {

inline std::atomic<std::size_t> allocations = 0;

/// False where a sanitizer has a heap of its own, which nobody may replace.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BGXFER_HEAP_OF_ANOTHER
#endif
#endif
#ifdef BGXFER_HEAP_OF_ANOTHER
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

}  // namespace bgxfer::test

#ifndef BGXFER_HEAP_OF_ANOTHER

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++bgxfer::test::allocations;
  if (void* const room = std::malloc(bytes)) return room;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* room) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete(void* room, std::size_t) noexcept { std::free(room); }

/// Asio takes the frames of coroutines and its handlers from here.
extern "C" [[gnu::noinline]] void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++bgxfer::test::allocations;
  void* room = nullptr;
  return posix_memalign(&room, alignment, bytes) == 0 ? room : nullptr;
}

#endif

#endif
