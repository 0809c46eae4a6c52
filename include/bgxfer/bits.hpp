#ifndef BGXFER_BITS_HPP
#define BGXFER_BITS_HPP

#include <cstdint>
#include <string>
#include <system_error>

#include <bgxfer/config.hpp>
#include <bgxfer/error.hpp>

namespace bgxfer::inline v0 {

/// The result code that BITS would give for `error`, for programs that show or compare BITS's own numbers (spec part
/// 7). 0 for no error. An HTTP status s is 0x80190000 + s; an error of the operating system is the 0x8007.... code of
/// its nearest relative on Windows, and 0x80004005 (E_FAIL) if it has none. Any thread.
[[nodiscard]] BGXFER_API std::uint32_t bits_code(const std::error_code& error) noexcept;
[[nodiscard]] inline std::uint32_t bits_code(const Error& error) noexcept { return bits_code(error.code()); }

/// The name of a code in BITS, as in "BG_E_EMPTY" or "BG_E_HTTP_ERROR_404"; the number in hexadecimal if it has none.
[[nodiscard]] BGXFER_API std::string bits_name(std::uint32_t code);

/// What a code means, in English; empty for a code that is not known (BITS: GetErrorDescription).
[[nodiscard]] BGXFER_API std::string bits_text(std::uint32_t code);

}  // namespace bgxfer::inline v0

#endif
