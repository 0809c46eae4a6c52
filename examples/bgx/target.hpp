#ifndef BGX_TARGET_HPP
#define BGX_TARGET_HPP

#include <filesystem>
#include <string>
#include <string_view>

namespace bgx {

/// The file name for a URL: its last path segment, made harmless. Never what a server says.
[[nodiscard]] std::string name_of(std::string_view url);

/// `path` as the library wants it: absolute, without "." and "..".
[[nodiscard]] std::filesystem::path absolute_target(const std::filesystem::path& path);

/// Throws `UsageError` if it can be seen now that no file can be put at `target`.
void check_target(const std::filesystem::path& target);

}  // namespace bgx

#endif
