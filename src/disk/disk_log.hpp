#ifndef BGXFER_DISK_DISK_LOG_HPP
#define BGXFER_DISK_DISK_LOG_HPP

#include <cstdint>
#include <memory>

#include <bgxfer/storage.hpp>

#include "folder.hpp"
#include "worker.hpp"

namespace bgxfer::inline v0::disk::detail {

constexpr std::uint64_t log_preallocation_bytes = 256 * 1024;  ///< So that a sync rarely has to write a size.
constexpr std::uint64_t log_reserve_bytes = 64 * 1024;
constexpr std::uint64_t log_copies_max = 100;  ///< "<log>.damaged-N".

/// Opens or makes the log at an absolute path, and locks it.
Result<std::unique_ptr<LogFile>> open_disk_log(Folders& folders, std::shared_ptr<Worker> worker,
                                               const std::filesystem::path& path, std::uint64_t bytes_max);

}  // namespace bgxfer::inline v0::disk::detail

#endif
