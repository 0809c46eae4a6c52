#ifndef BGXFER_SRC_BASE_CAUSE_HPP
#define BGXFER_SRC_BASE_CAUSE_HPP

#include <string_view>
#include <system_error>

namespace bgxfer::inline v0::detail {

/// What an error of the operating system is in the words of `std::errc`. Asio has a category of its own for these
/// errors, which on POSIX does not say so itself.
[[nodiscard]] inline std::error_condition cause_of(const std::error_code& code) noexcept {
  if (std::string_view(code.category().name()) == "asio.system") {
    return std::error_code(code.value(), std::system_category()).default_error_condition();
  }
  return code.default_error_condition();
}

}  // namespace bgxfer::inline v0::detail

#endif
