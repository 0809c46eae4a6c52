#ifndef BGXFER_SUBSCRIPTION_HPP
#define BGXFER_SUBSCRIPTION_HPP

#include <memory>
#include <utility>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

namespace detail {
class Registration;
}

/// Keeps a callback registered. Once the destructor (or `reset`) has returned, the callback has finished and will not
/// run again: on another thread it waits for a call that is running, inside the callback itself it does not.
class BGXFER_API [[nodiscard]] Subscription {
 public:
  /// Keeps nothing registered.
  Subscription() noexcept = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept {
    std::swap(registration_, other.registration_);
    return *this;
  }
  ~Subscription();

  /// Ends the registration now.
  void reset();

 private:
  friend class Job;
  friend class TransferQueue;
  explicit Subscription(std::shared_ptr<detail::Registration> registration) noexcept
      : registration_(std::move(registration)) {}

  std::shared_ptr<detail::Registration> registration_;
};

}  // namespace bgxfer::inline v0

#endif
