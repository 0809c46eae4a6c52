#ifndef BGXFER_SRC_FILE_SOURCE_FILE_HPP
#define BGXFER_SRC_FILE_SOURCE_FILE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/file_attributes.hpp>
#include <bgxfer/identity.hpp>
#include <bgxfer/result.hpp>

#include "../disk/posix_file.hpp"

namespace bgxfer::inline v0::file::detail {

/// One version of a file that is read: it notices when it becomes another. Its calls may wait for a disk or a file
/// server. One thread at a time.
class SourceFile {
 public:
  /// A regular file by its absolute path, with the rights of `user` if there is one; the errors are those of
  /// `file::make_transport`.
  static Result<std::shared_ptr<SourceFile>> open(const std::string& path, disk::detail::LinkTrust trust,
                                                  const std::shared_ptr<const PosixUser>& user);

  [[nodiscard]] std::uint64_t size() const noexcept { return facts_.size; }
  [[nodiscard]] std::chrono::system_clock::time_point modified() const noexcept;
  /// Another one for each version of the file, quoted as a strong ETag is.
  [[nodiscard]] std::string validator() const;

  /// Whose it is and who may do what with it.
  [[nodiscard]] FileAttributes attributes() const;

  /// Fills all of `into`, which ends within the file, from `offset`. `Errc::resource_changed` if the file is not what
  /// it was any more.
  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  SourceFile(disk::detail::Descriptor file, std::string path, const disk::detail::FileFacts& facts,
             std::vector<std::byte> acl)
      : file_(std::move(file)), path_(std::move(path)), facts_(facts), acl_(std::move(acl)) {}

  disk::detail::Descriptor file_;
  std::string path_;
  disk::detail::FileFacts facts_;
  std::vector<std::byte> acl_;
};

}  // namespace bgxfer::inline v0::file::detail

#endif
