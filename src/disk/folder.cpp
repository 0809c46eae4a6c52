#include "folder.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace bgxfer::inline v0::disk::detail {

namespace {

Result<std::shared_ptr<const Folder>> open_safe_folder(const std::string& path) {
  const std::shared_ptr<Folder> folder = std::make_shared<Folder>();
  folder->path = path;
  std::error_code failed = open_folder(folder->descriptor, path);
  if (!failed) failed = facts_of(folder->get(), folder->facts);
  if (failed == std::errc::too_many_symbolic_link_levels || (!failed && folder->facts.is_open_to_all())) {
    return file_error(make_error_code(Errc::unsafe_target), path);
  }
  if (failed) return file_error(failed, path);
  folder->refused = may_write_to(folder->get());
  return std::shared_ptr<const Folder>(folder);
}

}  // namespace

Error file_error(std::error_code code, const std::filesystem::path& path) {
  return Error(code, ErrorContext::local_file, path.string());
}

std::string_view folder_of(const std::filesystem::path& path) noexcept {
  const std::string_view text = path.native();
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return {};
  return text.substr(0, std::max<std::size_t>(slash, 1));
}

std::string_view name_of(const std::filesystem::path& path) noexcept {
  const std::string_view text = path.native();
  return text.substr(text.rfind('/') + 1);
}

Result<std::shared_ptr<const Folder>> Folders::get(std::string_view path) {
  {
    std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(folders_.begin(), folders_.end(), [&](const auto& folder) { return folder->path == path; });
    if (found != folders_.end()) {
      folders_.splice(folders_.begin(), folders_, found);
      return folders_.front();
    }
  }
  Result<std::shared_ptr<const Folder>> opened = open_safe_folder(std::string(path));
  if (!opened) return opened;
  std::lock_guard lock(mutex_);
  folders_.push_front(*opened);
  while (folders_.size() > std::max<std::size_t>(open_max_, 1)) folders_.pop_back();
  return opened;
}

Result<std::shared_ptr<const Folder>> Folders::get_current(std::string_view path) {
  Result<std::shared_ptr<const Folder>> folder = get(path);
  if (!folder) return folder;
  struct stat now {};
  const bool same = ::stat((*folder)->path.c_str(), &now) == 0 && now.st_ino == (*folder)->facts.inode &&
                    now.st_dev == (*folder)->facts.device && now.st_mode == (*folder)->facts.mode &&
                    now.st_uid == (*folder)->facts.owner && now.st_nlink == (*folder)->facts.links;
  if (same) return folder;
  forget(path);
  return get(path);
}

void Folders::forget(std::string_view path) {
  std::lock_guard lock(mutex_);
  folders_.remove_if([&](const auto& folder) { return folder->path == path; });
}

}  // namespace bgxfer::inline v0::disk::detail
