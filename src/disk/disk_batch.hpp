#ifndef BGXFER_DISK_DISK_BATCH_HPP
#define BGXFER_DISK_DISK_BATCH_HPP

#include <cstddef>
#include <vector>

#include <bgxfer/storage.hpp>

#include "folder.hpp"

// What is done to many files at once. These calls wait for the platter.
namespace bgxfer::inline v0::disk::detail {

/// Up to so many files are synced one by one; beyond it, their file systems are synced as a whole.
constexpr std::size_t files_synced_singly_max = 16;

Result<void> sync_batch(Folders& folders, const std::vector<FilePlace>& files);
CommitReport commit_batch(Folders& folders, const std::vector<CommitFile>& files);
Result<void> discard_batch(Folders& folders, const std::vector<FilePlace>& files);

}  // namespace bgxfer::inline v0::disk::detail

#endif
