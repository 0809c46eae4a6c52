#ifndef BGXFER_DISK_DISK_PARTIAL_HPP
#define BGXFER_DISK_DISK_PARTIAL_HPP

#include <memory>

#include <bgxfer/storage.hpp>

#include "folder.hpp"
#include "worker.hpp"

namespace bgxfer::inline v0::disk::detail {

struct PartialSettings {
  bool preallocate = true;
  bool spare_page_cache = false;
  std::shared_ptr<Worker> worker{};
  std::shared_ptr<const PosixUser> user{};  ///< Whose rights count.
};

/// Opens or makes the temporary file. The place's names were checked.
Result<std::unique_ptr<PartialFile>> open_partial(Folders& folders, const OpenPartial& request,
                                                  const PartialSettings& settings);

/// The same with the rights of `settings.user`, which counts for the folders on the way too.
Result<std::unique_ptr<PartialFile>> open_partial_as(const OpenPartial& request, const PartialSettings& settings);

}  // namespace bgxfer::inline v0::disk::detail

#endif
