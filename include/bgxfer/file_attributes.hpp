#ifndef BGXFER_FILE_ATTRIBUTES_HPP
#define BGXFER_FILE_ATTRIBUTES_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include <bgxfer/config.hpp>

namespace bgxfer::inline v0 {

/// What a file takes over from its source (spec part 3.15; the numbers are those of BITS). A set: join them with `|`.
/// Values are part of the journal format.
enum class FileAclFlags : std::uint8_t {
  none = 0,
  owner = 1,
  group = 2,
  dacl = 4,  ///< Who may do what: the nine permission bits, and the POSIX access ACL.
  sacl = 8,  ///< What is audited. Linux files have nothing of the kind: taken, kept, and without effect.
  all = 15,
};

[[nodiscard]] constexpr FileAclFlags operator|(FileAclFlags a, FileAclFlags b) noexcept {
  return static_cast<FileAclFlags>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr FileAclFlags operator&(FileAclFlags a, FileAclFlags b) noexcept {
  return static_cast<FileAclFlags>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
/// Whether `flags` has any of `wanted`.
[[nodiscard]] constexpr bool has(FileAclFlags flags, FileAclFlags wanted) noexcept {
  return (flags & wanted) != FileAclFlags::none;
}

/// Whose a file is and who may do what with it, as its file system says.
struct FileAttributes {
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::uint32_t mode = 0;        ///< The nine permission bits. Set-user-id, set-group-id and sticky never travel.
  std::vector<std::byte> acl{};  ///< The value of `system.posix_acl_access`; empty: the mode says it all.

  friend bool operator==(const FileAttributes&, const FileAttributes&) = default;
};

}  // namespace bgxfer::inline v0

#endif
