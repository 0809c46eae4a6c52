#ifndef BGXFER_SRC_FILE_FILE_URL_HPP
#define BGXFER_SRC_FILE_FILE_URL_HPP

#include <cstddef>
#include <string>
#include <string_view>

#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::file::detail {

constexpr std::size_t path_bytes_max = 4095;  ///< Linux: PATH_MAX without its zero byte.
constexpr std::size_t segment_bytes_max = 255;

/// The absolute path that a file URL names (RFC 8089), decoded: it has no empty, "." or ".." segments and no control
/// characters. `Errc::invalid_url` with the URL and the reason.
[[nodiscard]] Result<std::string> path_of_url(std::string_view url);

}  // namespace bgxfer::inline v0::file::detail

#endif
