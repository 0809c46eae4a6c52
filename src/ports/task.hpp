#ifndef BGXFER_PORTS_TASK_HPP
#define BGXFER_PORTS_TASK_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace bgxfer::inline v0::detail {

/// A function that is called once or never, and can only be moved: what Asio gives an executor is one, of the size of a
/// pointer, for which this takes no memory. (`std::move_only_function` is of C++23.)
class Task {
 public:
  template <class Function, class Kept = std::decay_t<Function>>
  requires(!std::is_same_v<Kept, Task>) explicit Task(Function&& function) {
    if constexpr (fits<Kept>) {
      ::new (static_cast<void*>(room_)) Kept(std::forward<Function>(function));
      use_ = &use<Kept>;
    } else {
      auto call = [kept = std::make_unique<Kept>(std::forward<Function>(function))] { (*kept)(); };
      ::new (static_cast<void*>(room_)) decltype(call)(std::move(call));
      use_ = &use<decltype(call)>;
    }
  }
  Task(Task&& other) noexcept : use_(std::exchange(other.use_, nullptr)) {
    if (use_) use_(Use::move, other.room_, room_);
  }
  Task& operator=(Task&& other) noexcept {
    if (this == &other) return *this;
    this->~Task();
    return *::new (static_cast<void*>(this)) Task(std::move(other));
  }
  ~Task() {
    if (use_) use_(Use::destroy, room_, nullptr);
  }

  /// One that was moved away does nothing.
  void operator()() && {
    if (use_) std::exchange(use_, nullptr)(Use::call, room_, nullptr);
  }

 private:
  enum class Use { call, move, destroy };
  static constexpr std::size_t room_bytes = 2 * sizeof(void*);
  template <class Kept>
  static constexpr bool fits = sizeof(Kept) <= room_bytes &&
                               alignof(Kept) <= alignof(void*) && std::is_nothrow_move_constructible_v<Kept>;

  /// Each of them leaves nothing in `room`.
  template <class Kept>
  static void use(Use what, std::byte* room, std::byte* there) {
    Kept& kept = *std::launder(reinterpret_cast<Kept*>(room));
    // Moved out before it is called: it may destroy whatever it was kept in.
    Kept taken(std::move(kept));
    kept.~Kept();
    if (what == Use::call) taken();
    if (what == Use::move) ::new (static_cast<void*>(there)) Kept(std::move(taken));
  }

  alignas(void*) std::byte room_[room_bytes];
  void (*use_)(Use, std::byte*, std::byte*) = nullptr;
};

}  // namespace bgxfer::inline v0::detail

#endif
