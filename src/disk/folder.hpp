#ifndef BGXFER_DISK_FOLDER_HPP
#define BGXFER_DISK_FOLDER_HPP

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

#include <bgxfer/result.hpp>

#include "posix_file.hpp"

namespace bgxfer::inline v0::disk::detail {

/// A folder that was found safe and is held open: what happens in it happens to this folder, wherever its path leads.
struct Folder {
  Descriptor descriptor;
  std::string path;
  FileFacts facts;
  std::error_code refused;  ///< Why nothing may be written here, when it was opened.

  [[nodiscard]] int get() const noexcept { return descriptor.get(); }
};

/// The folders used last. Any thread.
class Folders {
 public:
  explicit Folders(std::size_t open_max) : open_max_(open_max) {}

  /// The folder, opened if it is not open yet. `Errc::unsafe_target`, or the system's own code.
  Result<std::shared_ptr<const Folder>> get(std::string_view path);
  /// As `get`, and notices that the path leads to another folder than before, or to one with other rights or other
  /// folders in it.
  Result<std::shared_ptr<const Folder>> get_current(std::string_view path);
  /// The next `get` opens it anew.
  void forget(std::string_view path);

 private:
  const std::size_t open_max_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const Folder>> folders_;  // the last used first
};

/// The folder of an absolute path, and the name in it: by the text alone, because `std::filesystem::path` would make a
/// string of every component each time.
[[nodiscard]] std::string_view folder_of(const std::filesystem::path& path) noexcept;
[[nodiscard]] std::string_view name_of(const std::filesystem::path& path) noexcept;

/// An error about a local file, with its path.
Error file_error(std::error_code code, const std::filesystem::path& path);

}  // namespace bgxfer::inline v0::disk::detail

#endif
