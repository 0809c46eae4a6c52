#ifndef BGXFER_STORAGE_HPP
#define BGXFER_STORAGE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/file_attributes.hpp>
#include <bgxfer/identity.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// The two names of one file: the one it is assembled under and the one it gets in the end.
/// Both lie in the same folder, so that taking the final name is one rename.
struct FilePlace {
  FilePlace() = default;
  FilePlace(std::filesystem::path final_path, std::string temporary)
      : target(std::move(final_path)), temporary_name(std::move(temporary)) {}

  std::filesystem::path target{};  ///< Absolute.
  std::string temporary_name{};    ///< One path component, unique to the job and the file.
  /// Whose rights count for everything that happens to these names. Empty: the process's. `Errc::identity_refused`
  /// where it may not act for others; a storage whose files have no owners takes no notice.
  std::shared_ptr<const PosixUser> user{};

  [[nodiscard]] std::filesystem::path temporary() const { return target.parent_path() / temporary_name; }
};

/// Tells a file from every other that had or will have its name: device and inode, or their like.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// A file being assembled. Used by one coroutine at a time, except for `sync`, which may run beside one
/// other call. Nothing of it is visible under the final name.
class BGXFER_API PartialFile {
 public:
  /// Closes the file and leaves it where it is.
  virtual ~PartialFile();

  [[nodiscard]] virtual FileIdentity identity() const noexcept = 0;

  /// Writes all of `bytes` at `offset`, extending the file as needed. `bytes` stay valid until the awaitable
  /// resolves. After an error nothing is known about the bytes since the last successful `sync`.
  /// A full disk is `std::errc::no_space_on_device`.
  virtual asio::awaitable<Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;

  /// Fills the front of `into` from `offset` and resolves with the byte count; less than asked only at the end of the
  /// file.
  virtual asio::awaitable<Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) = 0;

  /// Size of the file in bytes.
  virtual asio::awaitable<Result<std::uint64_t>> size() = 0;

  /// Cuts the file to `bytes`, or extends it with zeros.
  virtual asio::awaitable<Result<void>> resize(std::uint64_t bytes) = 0;

  /// Sets disk space aside for a file of `bytes`, without changing its size. `std::errc::no_space_on_device` if there
  /// is not enough; success if the file system cannot do it.
  virtual asio::awaitable<Result<void>> reserve(std::uint64_t bytes) = 0;

  /// Bytes written before the call are durable, and so is the file's temporary name, once this resolves with
  /// success. After an error they may be lost for ever: a failed sync is not repeated on the same file, the file
  /// is closed, opened anew, and written again from the last successful sync.
  virtual asio::awaitable<Result<void>> sync() = 0;

  /// Gives the file what `wanted` names of `attributes`; it keeps them with its final name if `CommitFile::preserved`
  /// says so. A missing privilege is `Errc::attributes_denied`. The one member with a default: a storage whose files
  /// have no owners takes no notice.
  virtual asio::awaitable<Result<void>> set_attributes(FileAttributes attributes, FileAclFlags wanted);
};

/// How to open a file that is to be assembled.
struct OpenPartial {
  explicit OpenPartial(FilePlace where) : place(std::move(where)) {}

  FilePlace place;
  /// Empty: make a new file, and remove a leftover of that temporary name. Given: open the existing file,
  /// and fail with `Errc::partial_file_changed` if it is not this one, is no regular file or has other names.
  std::optional<FileIdentity> expected{};
};

/// One file that takes its final name.
struct CommitFile {
  explicit CommitFile(FilePlace where) : place(std::move(where)) {}

  FilePlace place;
  FileIdentity identity{};  ///< The file must be this one, under either name. All zero: not checked.
  std::optional<std::chrono::system_clock::time_point> modified{};  ///< Becomes the modification time.
  FileAclFlags preserved = FileAclFlags::none;  ///< What was set with `PartialFile::set_attributes`, and stays.

  /// Whether `found` is the file that is meant.
  [[nodiscard]] bool wants(const FileIdentity& found) const noexcept {
    return identity == FileIdentity{} || identity == found;
  }
};

/// How far a batch of files got. Files before `done` have their final names, durably; the one at `done`
/// failed with `error`; those after it were not tried.
struct CommitReport {
  CommitReport() = default;
  explicit CommitReport(std::size_t count) : done(count) {}
  CommitReport(std::size_t count, Error why) : done(count), error(std::move(why)) {}

  std::size_t done = 0;
  std::optional<Error> error{};
};

/// An append-only file, for the journal. Used by one coroutine at a time. Holds the lock on its path until
/// it is destroyed. An implementation keeps a small reserve, so that one append of up to 64 KiB succeeds on
/// a disk that has just become full.
class BGXFER_API LogFile {
 public:
  virtual ~LogFile();

  /// The whole contents; empty for a log that did not exist.
  virtual asio::awaitable<Result<std::vector<std::byte>>> read_all() = 0;
  /// Adds `bytes` at the end. They survive this process, but not a power cut. After an error the end of the file is
  /// unknown: the only call that may follow is `replace`.
  virtual asio::awaitable<Result<void>> append(std::span<const std::byte> bytes) = 0;
  /// Everything appended before the call, and the log's name, is durable once this resolves with success.
  /// After an error the only call that may follow is `replace`.
  virtual asio::awaitable<Result<void>> sync() = 0;
  /// Writes some of what `read_all` gave once more, at its place: where a sync of an earlier process failed, the system
  /// may count as written what never reached the disk, and another sync would not try it again. Makes nothing durable
  /// by itself: `sync` follows. After an error the only call that may follow is `replace`. Succeeds without doing
  /// anything unless overridden, which is right where nothing is kept that a disk does not have.
  virtual asio::awaitable<Result<void>> write_again(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Puts a new file with these contents in the log's place, atomically and durably: after a power cut
  /// there is either the old log or the new one. After an error the old log is still in place, and `replace` may be
  /// tried again.
  virtual asio::awaitable<Result<void>> replace(std::span<const std::byte> contents) = 0;
  /// Copies the log as it is to a name of its own beside it ("<log>.damaged-N") and resolves with that path.
  virtual asio::awaitable<Result<std::filesystem::path>> keep_copy() = 0;
};

/// Answers as `Storage::check_target` does.
using TargetCheck = std::function<Result<void>(const std::filesystem::path& target)>;

/// Where bytes rest. Calling rules as for `Transport`; the path names the thing in every error's detail.
///
/// What names are lawful is the implementation's to enforce, at every call; and folders and files are never reached
/// through symbolic links that somebody else could have put there.
class BGXFER_API Storage {
 public:
  virtual ~Storage();

  /// Whether a file could be assembled for `target` now: absolute, a lawful name, an existing folder that may be
  /// written to. Cheap; any thread. `Errc::relative_target`, `Errc::unsafe_target`, or the system's own code.
  [[nodiscard]] virtual Result<void> check_target(const std::filesystem::path& target) const = 0;
  /// `check_target` for the files of one `add`, which are many and stand in few folders: what was seen of a folder may
  /// answer for the targets after it. Used by one thread, for as long as that `add` takes, and not longer than the
  /// storage lives. As it is here it asks `check_target` each time.
  [[nodiscard]] virtual TargetCheck target_check() const;

  virtual asio::awaitable<Result<std::unique_ptr<PartialFile>>> open(OpenPartial request) = 0;

  /// Every byte written to these temporary files, and their names, are durable once this resolves with success; a
  /// failed one is handled as for `PartialFile::sync`. `files` stay valid until the awaitable resolves.
  virtual asio::awaitable<Result<void>> sync(std::span<const FilePlace> files) = 0;

  /// Gives each temporary file its final name, in order, replacing what had that name; then makes the names
  /// durable. A file whose temporary name is gone while its target is the wanted file already counts as done: the redo
  /// of a commit that a crash interrupted. Stops at the first failure, `std::errc::no_such_file_or_directory` if the
  /// file is nowhere. The files were synced before. `files` stay valid until the awaitable resolves.
  virtual asio::awaitable<CommitReport> commit(std::span<const CommitFile> files) = 0;

  /// Deletes the temporary files, durably; one that is not there counts as deleted. All are tried; resolves with the
  /// first failure. `files` stay valid until the awaitable resolves.
  virtual asio::awaitable<Result<void>> discard(std::span<const FilePlace> files) = 0;

  /// Bytes that this process may still write to the file system that holds `folder`.
  virtual asio::awaitable<Result<std::uint64_t>> free_bytes(std::filesystem::path folder) = 0;

  /// Opens or makes a log and locks it: `Errc::journal_locked`, with the owner's process id in the detail,
  /// if somebody else has it.
  virtual asio::awaitable<Result<std::unique_ptr<LogFile>>> open_log(std::filesystem::path path) = 0;

  /// Names the span of time that unsynced bytes survive: as long as this text stays the same across
  /// processes, what was written but not synced is still there (on Linux, the boot id).
  [[nodiscard]] virtual std::string epoch() const = 0;
};

}  // namespace bgxfer::inline v0

#endif
