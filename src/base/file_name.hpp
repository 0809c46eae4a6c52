#ifndef BGXFER_BASE_FILE_NAME_HPP
#define BGXFER_BASE_FILE_NAME_HPP

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <bgxfer/config.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::detail {

constexpr std::size_t file_name_bytes_max = 255;

/// Whether `name` is one path component that every platform would store under just this name:
/// valid UTF-8 of 1 to 255 bytes, no separator, colon or control character, not "." or "..", no dot or space at the
/// end, no Windows device name. The same on every platform, because queues and journals move between them.
[[nodiscard]] BGXFER_API bool is_lawful_file_name(std::string_view name) noexcept;

/// Whether a path is one that a file may be put at: absolute, without "." and ".." components, and with a lawful name
/// at its end. `Errc::relative_target` or `Errc::unsafe_target`. Looks at the text only. Exported for the twins in
/// testing.
[[nodiscard]] BGXFER_API Result<void> check_target_text(const std::filesystem::path& target);

/// As `check_target_text`, and the temporary name is lawful too and not the final one.
[[nodiscard]] BGXFER_API Result<void> check_place_text(const std::filesystem::path& target,
                                                       const std::string& temporary_name);

}  // namespace bgxfer::inline v0::detail

#endif
