#ifndef BGXFER_RESULT_HPP
#define BGXFER_RESULT_HPP

#include <cassert>
#include <concepts>
#include <optional>
#include <utility>
#include <variant>

#include <bgxfer/error.hpp>

namespace bgxfer::inline v0 {

/// A value of type `T`, or the `Error` that took its place.
///
/// Handled on the next line: `if (!opened) co_return opened.error();`. Asking for what is not there
/// is a broken contract and asserts; `value()` throws `std::system_error` instead, for hosts that
/// prefer exceptions. The interface is a subset of `std::expected<T, Error>`.
template <class T>
class [[nodiscard]] Result {
 public:
  /// A value-initialised `T`. Only for what has one; Asio's `use_future` asks for it, as it does of any result.
  Result() requires std::default_initializable<T> : content_(std::in_place_index<0>) {}
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return *pointer(); }
  const T& operator*() const& { return *pointer(); }
  T&& operator*() && { return std::move(*pointer()); }
  T* operator->() { return pointer(); }
  const T* operator->() const { return pointer(); }

  [[nodiscard]] const Error& error() const& {
    assert(!has_value());
    return *std::get_if<1>(&content_);
  }

  /// The value, or an exception: `std::system_error` with the error's code and text.
  T value() && {
    if (!has_value()) throw std::system_error(error().code(), error().detail());
    return std::move(*pointer());
  }

 private:
  T* pointer() {
    assert(has_value());
    return std::get_if<0>(&content_);
  }
  const T* pointer() const {
    assert(has_value());
    return std::get_if<0>(&content_);
  }

  std::variant<T, Error> content_;
};

/// Success, or the `Error` that prevented it. A default-made one is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] const Error& error() const& {
    assert(error_);
    return *error_;
  }

  /// Returns, or throws `std::system_error`.
  void value() const {
    if (error_) throw std::system_error(error_->code(), error_->detail());
  }

 private:
  std::optional<Error> error_;
};

/// What a command answers: success, or why it was refused. Unlike other results it may be ignored, because a command
/// that comes too late, such as suspending a job that has just finished, does no harm.
class CommandResult : public Result<void> {
 public:
  CommandResult() = default;
  CommandResult(Error error) : Result<void>(std::move(error)) {}           // NOLINT: implicit by design
  CommandResult(Result<void> result) : Result<void>(std::move(result)) {}  // NOLINT: implicit by design
};

}  // namespace bgxfer::inline v0

#endif
