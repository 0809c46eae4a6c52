#include "source_file.hpp"

#include <utility>

#include "../disk/acting.hpp"

namespace bgxfer::inline v0::file::detail {

namespace {

Error source_error(std::error_code code, const std::string& path) {
  std::string detail = path;
  if (code == std::errc::too_many_symbolic_link_levels) {
    detail +=
        " (a symbolic link on the way is another user's, or they go round in circles; see "
        "file::TransportOptions::follow_foreign_links)";
  } else if (code == std::errc::not_supported) {
    detail += " (not a regular file)";
  }
  return Error(code, ErrorContext::remote_file, std::move(detail));
}

}  // namespace

Result<std::shared_ptr<SourceFile>> SourceFile::open(const std::string& path, disk::detail::LinkTrust trust,
                                                     const std::shared_ptr<const PosixUser>& user) {
  disk::detail::Descriptor file;
  std::error_code failed;
  // Only to open it: who has opened a file may read it.
  const std::error_code refused =
      disk::detail::act_as(user, [&] { failed = disk::detail::open_source(file, path, trust); });
  disk::detail::FileFacts facts;
  std::vector<std::byte> acl;
  if (refused) failed = refused;
  if (!failed) failed = disk::detail::facts_of(file.get(), facts);
  if (!failed) failed = disk::detail::read_acl(file.get(), acl);
  if (failed) return source_error(failed, path);
  return std::shared_ptr<SourceFile>(new SourceFile(std::move(file), path, facts, std::move(acl)));
}

FileAttributes SourceFile::attributes() const {
  FileAttributes attributes;
  attributes.owner = facts_.owner;
  attributes.group = facts_.group;
  attributes.mode = facts_.mode & 0777;
  attributes.acl = acl_;
  return attributes;
}

std::chrono::system_clock::time_point SourceFile::modified() const noexcept {
  const std::chrono::nanoseconds since_1970(facts_.modified);
  return std::chrono::system_clock::time_point(std::chrono::floor<std::chrono::system_clock::duration>(since_1970));
}

std::string SourceFile::validator() const {
  return '"' + std::to_string(facts_.size) + '-' + std::to_string(facts_.modified) + '-' +
         std::to_string(facts_.inode) + '"';
}

Result<void> SourceFile::read(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  std::error_code failed = disk::detail::read_at(file_.get(), offset, into, done);
  // Looked at after the bytes were read: they belong to the version that was opened if it is still there now.
  disk::detail::FileFacts now;
  if (!failed) failed = disk::detail::facts_of(file_.get(), now);
  if (failed) return source_error(failed, path_);
  if (done < into.size() || now.size != facts_.size || now.modified != facts_.modified) {
    return source_error(make_error_code(Errc::resource_changed), path_);
  }
  return {};
}

}  // namespace bgxfer::inline v0::file::detail
