#ifndef BGXFER_DISK_POSIX_FILE_HPP
#define BGXFER_DISK_POSIX_FILE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <bgxfer/storage.hpp>

// The system calls of this room: thin, without decisions, interrupted calls repeated. Another platform is another
// file with these functions.
namespace bgxfer::inline v0::disk::detail {

/// An open file or folder.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// What is known about a file.
struct FileFacts {
  FileIdentity identity{};
  std::uint64_t device = 0;  ///< Of the file system; may change at a reboot.
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  ///< Type and permissions, as `st_mode`.
  std::uint32_t links = 0;
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::int64_t modified = 0;  ///< Nanoseconds since 1970.

  [[nodiscard]] bool is_regular() const noexcept;
  [[nodiscard]] bool is_folder() const noexcept;
  [[nodiscard]] bool is_link() const noexcept;
  /// A regular file under one name that belongs to the user who acts: nobody else put it there.
  [[nodiscard]] bool is_ours_alone() const noexcept;
  /// A folder in which anybody may replace anything.
  [[nodiscard]] bool is_open_to_all() const noexcept;
  /// A folder without folders in it: each would be a link to it. File systems that do not count so tell 1.
  [[nodiscard]] bool has_no_folders() const noexcept;
};

enum class OpenMode {
  create,      ///< A new file, for reading and writing; fails if the name is taken.
  existing,    ///< For reading and writing; does not follow a link, does not wait for a FIFO.
  read,        ///< For reading, otherwise as `existing`.
  create_log,  ///< As `create`, and every write goes to the end.
  log,         ///< The existing file, or a new one; every write goes to the end.
  lock,        ///< The existing file, or a new one.
};

std::error_code open_at(Descriptor& into, int folder, const std::string& name, OpenMode mode);
/// Opens a folder by its absolute path. Links on the way are followed if they belong to root or to the process's user;
/// another's are `ELOOP`.
std::error_code open_folder(Descriptor& into, const std::string& path);

/// Which symbolic links on a way are followed.
enum class LinkTrust { own, all };  ///< `own`: those of root and of the process's user.

/// Opens a regular file for reading by its absolute path, which may lead through links and end in one. A link that is
/// not trusted is `ELOOP`, a folder `EISDIR`; anything else is `ENOTSUP` and is not opened at all.
std::error_code open_source(Descriptor& into, const std::string& path, LinkTrust trust);

std::error_code facts_of(int fd, FileFacts& into);
/// Of what has the name in the folder, without following a link.
std::error_code facts_at(int folder, const std::string& name, FileFacts& into);

std::error_code write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes);
/// Writes at the end; `done` is how many bytes were written, also after an error.
std::error_code append_bytes(int fd, std::span<const std::byte> bytes, std::size_t& done);
/// Fills the front of `into`; `done` is less than asked only at the end of the file.
std::error_code read_at(int fd, std::uint64_t offset, std::span<std::byte> into, std::size_t& done);
std::error_code resize(int fd, std::uint64_t bytes);
/// Sets space aside without changing the size. Success if the file system cannot.
std::error_code preallocate(int fd, std::uint64_t offset, std::uint64_t bytes);

/// Has the disk begin with whatever was written, without waiting for it; but it may wait for room in the disk's queue.
void start_writeback(int fd) noexcept;
/// Has what the disk holds already leave the page cache. Whoever reads it next reads it from the disk.
void drop_cached(int fd) noexcept;

std::error_code sync_data(int fd);
std::error_code sync_all(int fd);
std::error_code sync_file_system(int fd);

std::error_code rename_at(int folder, const std::string& from, const std::string& to);
std::error_code unlink_at(int folder, const std::string& name);
/// Of the name itself, should it be a link.
std::error_code set_mode_at(int folder, const std::string& name, std::uint32_t mode);
std::error_code set_mode(int fd, std::uint32_t mode);
std::error_code set_owner(int fd, std::optional<std::uint32_t> user, std::optional<std::uint32_t> group);
/// The access ACL, as the kernel writes it; empty if the permission bits say it all, or the file system has none.
std::error_code read_acl(int fd, std::vector<std::byte>& into);
/// Empty: removes it. `EOPNOTSUPP` where the file system has none.
std::error_code set_acl(int fd, std::span<const std::byte> acl);
std::error_code set_modified_at(int folder, const std::string& name, std::chrono::system_clock::time_point when);
std::error_code may_write_to(int folder);
std::error_code free_bytes_at(int folder, std::uint64_t& bytes);

/// `EWOULDBLOCK` if somebody else has the lock, in this process or another.
std::error_code try_lock(int fd);
[[nodiscard]] std::string process_id();
/// The permissions that a new file of this process gets.
[[nodiscard]] std::uint32_t default_file_mode();
/// Another text after each boot of the machine.
[[nodiscard]] std::string boot_id();

}  // namespace bgxfer::inline v0::disk::detail

#endif
