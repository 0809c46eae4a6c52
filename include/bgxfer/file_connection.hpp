#ifndef BGXFER_FILE_CONNECTION_HPP
#define BGXFER_FILE_CONNECTION_HPP

#include <cstdint>
#include <string>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// One of several connections at work on a file.
struct FileConnection {
  std::string url{};                   ///< Of the source. May carry secrets; show `public_url` of it.
  ByteRange rest{};                    ///< What it still has to bring, by its place in the file.
  std::uint64_t bytes_received = 0;    ///< Since it asked.
  std::uint64_t bytes_per_second = 0;  ///< Since it asked; 0 while nothing has come.
  bool relieved = false;               ///< Too slow: another one has been sent for the same bytes.
};

}  // namespace bgxfer::inline v0

#endif
