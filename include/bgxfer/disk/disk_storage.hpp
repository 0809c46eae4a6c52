#ifndef BGXFER_DISK_DISK_STORAGE_HPP
#define BGXFER_DISK_DISK_STORAGE_HPP

#include <cstdint>
#include <memory>

#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0::disk {

/// How files on disk are handled. The defaults are right for most hosts.
struct StorageOptions {
  /// Set disk space aside for files whose size is known: a full disk is noticed before the transfer, and the file is
  /// laid out in one piece. Off: `PartialFile::reserve` does nothing.
  bool preallocate = true;
  /// Have what the disk holds of a large file leave the page cache while the rest arrives: some 16 MiB of it stay, and
  /// a download pushes nothing out that the host or a game has there. Whoever reads the file right afterwards reads it
  /// from the disk. Off: the kernel decides, as for any file.
  bool spare_page_cache = false;
  /// Largest journal that is read, in bytes: what lies in its place is not trusted to be small.
  std::uint64_t log_bytes_max = std::uint64_t{1} << 30;
  /// Folders that are kept open between calls, so that many small files in one folder cost no look-ups.
  std::size_t open_folders_max = 16;
};

/// Files on a local file system, assembled beside their targets. Linux; an object per queue or per process, as you
/// like.
///
/// **Safety.** Whoever may write to a target's folder can harm the files in it; nobody else can. A folder that
/// everybody may write to is refused unless it has the sticky bit, and symbolic links on the way to a folder are
/// followed only if they belong to root or to the process's user. Both are `Errc::unsafe_target`. The last component of
/// a path is never followed. A temporary file is made exclusively, readable for the user alone; when it is opened again
/// it must still be the same regular file with one name and the same owner. With its final name it gets the permissions
/// of the file that it replaces, or those that the process's umask leaves.
///
/// **Identity** is the inode and the time of its making, where the file system knows that: inode numbers are used
/// again, and device numbers change at a reboot.
///
/// **Threads.** Reads and writes go through the page cache on the caller's thread. Whatever waits for the platter or
/// handles whole batches (`sync`, `commit`, `discard`, `LogFile::replace`) runs on one thread of the storage, which
/// starts with the first such call, sleeps without wake-ups while there is nothing to do, and is joined when the
/// storage and its files are gone. The destructor of the last of them waits for a call that is under way.
///
/// **Logs.** Beside the log "j" lie "j.lock" (locked while the log is open, and never deleted; a child made by `fork`
/// shares the lock), "j.reserve" (64 KiB for the moment when the disk is full) and, for moments, "j.new".
[[nodiscard]] BGXFER_API std::shared_ptr<Storage> make_storage(StorageOptions options = {});

}  // namespace bgxfer::inline v0::disk

#endif
