#include "posix_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "acting.hpp"

namespace bgxfer::inline v0::disk::detail {

namespace {

constexpr std::size_t link_hops_max = 40;  // as the kernel's own limit
constexpr std::size_t link_bytes_max = 4096;
constexpr std::size_t acl_bytes_max = 64 * 1024;  // the kernel's own limit for an attribute
constexpr const char* acl_name = "system.posix_acl_access";

std::error_code last_posix_error() { return {errno, std::system_category()}; }

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto outcome = call();
    if (outcome != -1 || errno != EINTR) return outcome;
  }
}

template <class Call>
std::error_code outcome_of(Call call) {
  if (uninterrupted(call) == -1) return last_posix_error();
  return {};
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::create: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::existing: return O_RDWR;
    case OpenMode::read: return O_RDONLY;
    case OpenMode::create_log: return O_RDWR | O_CREAT | O_EXCL | O_APPEND;
    case OpenMode::log: return O_RDWR | O_CREAT | O_APPEND;
    case OpenMode::lock: return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

std::error_code statx_facts(int fd, const char* name, int flags, FileFacts& into) {
  struct statx facts {};
  constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;
  if (uninterrupted([&] { return ::statx(fd, name, flags, wanted, &facts); }) == -1) return last_posix_error();
  into.device = makedev(facts.stx_dev_major, facts.stx_dev_minor);
  into.inode = facts.stx_ino;
  into.size = facts.stx_size;
  into.mode = facts.stx_mode;
  into.links = facts.stx_nlink;
  into.owner = facts.stx_uid;
  into.group = facts.stx_gid;
  into.modified = static_cast<std::int64_t>(facts.stx_mtime.tv_sec) * 1'000'000'000 + facts.stx_mtime.tv_nsec;
  const bool birth_known = (facts.stx_mask & STATX_BTIME) != 0 && facts.stx_btime.tv_sec != 0;
  const std::uint64_t birth =
      static_cast<std::uint64_t>(facts.stx_btime.tv_sec) * 1'000'000'000U + facts.stx_btime.tv_nsec;
  into.identity = FileIdentity{birth_known ? birth : into.device, into.inode};
  return {};
}

// The offset of the end of a write, or an error that a 64-bit signed offset cannot express.
bool offset_fits(std::uint64_t offset, std::uint64_t length) {
  constexpr auto offset_max = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  return offset <= offset_max && length <= offset_max - offset;
}

std::error_code too_large() { return std::make_error_code(std::errc::file_too_large); }

// The components of a path, the first one last.
void push_components(std::vector<std::string>& stack, std::string_view path) {
  std::size_t end = path.size();
  while (end > 0) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (end > begin) stack.emplace_back(path.substr(begin, end - begin));
    if (slash == std::string_view::npos) return;
    end = slash;
  }
}

Descriptor open_step(int at, const char* name, int flags) {
  return Descriptor(uninterrupted([=] { return ::openat(at, name, flags | O_CLOEXEC); }));
}

/// Where a path leads.
struct PathEnd {
  Descriptor folder;  ///< The folder that the last component lies in; it is no link any more.
  std::string name;   ///< "." for the root.
  Descriptor itself;
  FileFacts facts;
};

std::error_code walk(PathEnd& end, const std::string& path, LinkTrust trust) {
  end.itself = open_step(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
  if (end.itself.get() < 0) return last_posix_error();
  if (const std::error_code failed = facts_of(end.itself.get(), end.facts)) return failed;
  end.name = ".";
  std::vector<std::string> todo;
  push_components(todo, path);
  std::size_t hops = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == ".") continue;
    Descriptor next = open_step(end.itself.get(), name.c_str(), O_PATH | O_NOFOLLOW);
    if (next.get() < 0) return last_posix_error();
    FileFacts facts;
    if (const std::error_code failed = facts_of(next.get(), facts)) return failed;
    if (facts.is_link()) {
      const bool trusted = trust == LinkTrust::all || facts.owner == 0 || facts.owner == acting_user();
      if (!trusted || ++hops > link_hops_max) return std::make_error_code(std::errc::too_many_symbolic_link_levels);
      std::string text(link_bytes_max, '\0');
      const ssize_t length = ::readlinkat(next.get(), "", text.data(), text.size());
      if (length < 0) return last_posix_error();
      text.resize(static_cast<std::size_t>(length));
      if (text.starts_with('/')) {
        end.itself = open_step(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
        if (end.itself.get() < 0) return last_posix_error();
        if (const std::error_code failed = facts_of(end.itself.get(), end.facts)) return failed;
        end.name = ".";
      }
      push_components(todo, text);
      continue;
    }
    if (!todo.empty() && !facts.is_folder()) return std::make_error_code(std::errc::not_a_directory);
    end.folder = std::move(end.itself);
    end.itself = std::move(next);
    end.name = name;
    end.facts = facts;
  }
  return {};
}

// The whole of a small text file; empty if it cannot be read.
std::string read_small_file(const char* path) {
  const Descriptor file(uninterrupted([path] { return ::open(path, O_RDONLY | O_CLOEXEC); }));
  if (file.get() < 0) return {};
  std::array<char, 4096> text{};
  const ssize_t count = uninterrupted([&] { return ::read(file.get(), text.data(), text.size()); });
  return count > 0 ? std::string(text.data(), static_cast<std::size_t>(count)) : std::string();
}

}  // namespace

Descriptor::~Descriptor() {
  // Not repeated when interrupted: on Linux the descriptor is closed all the same.
  if (fd_ >= 0) ::close(fd_);
}

bool FileFacts::is_regular() const noexcept { return S_ISREG(mode); }
bool FileFacts::is_folder() const noexcept { return S_ISDIR(mode); }
bool FileFacts::is_link() const noexcept { return S_ISLNK(mode); }
bool FileFacts::is_ours_alone() const noexcept { return is_regular() && links == 1 && owner == acting_user(); }
bool FileFacts::is_open_to_all() const noexcept { return (mode & S_IWOTH) != 0 && (mode & S_ISVTX) == 0; }
bool FileFacts::has_no_folders() const noexcept { return is_folder() && links == 2; }

std::error_code open_at(Descriptor& into, int folder, const std::string& name, OpenMode mode) {
  const int flags = flags_of(mode) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const int fd = uninterrupted([&] { return ::openat(folder, name.c_str(), flags, 0600); });
  if (fd < 0) return last_posix_error();
  into = Descriptor(fd);
  return {};
}

std::error_code open_folder(Descriptor& into, const std::string& path) {
  PathEnd end;
  if (const std::error_code failed = walk(end, path, LinkTrust::own)) return failed;
  if (!end.facts.is_folder()) return std::make_error_code(std::errc::not_a_directory);
  Descriptor folder = open_step(end.itself.get(), ".", O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) return last_posix_error();
  into = std::move(folder);
  return {};
}

std::error_code open_source(Descriptor& into, const std::string& path, LinkTrust trust) {
  PathEnd end;
  if (const std::error_code failed = walk(end, path, trust)) return failed;
  if (end.facts.is_folder()) return std::make_error_code(std::errc::is_a_directory);
  // Known before it is opened: opening a device can do things, and opening a FIFO can wait for ever.
  if (!end.facts.is_regular()) return std::make_error_code(std::errc::not_supported);
  Descriptor file;
  if (const std::error_code failed = open_at(file, end.folder.get(), end.name, OpenMode::read)) return failed;
  FileFacts facts;
  if (const std::error_code failed = facts_of(file.get(), facts)) return failed;
  if (!facts.is_regular()) return std::make_error_code(std::errc::not_supported);
  into = std::move(file);
  return {};
}

std::error_code facts_of(int fd, FileFacts& into) { return statx_facts(fd, "", AT_EMPTY_PATH, into); }

std::error_code facts_at(int folder, const std::string& name, FileFacts& into) {
  return statx_facts(folder, name.c_str(), AT_SYMLINK_NOFOLLOW, into);
}

std::error_code write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!offset_fits(offset, bytes.size())) return too_large();
  while (!bytes.empty()) {
    const ssize_t count =
        uninterrupted([&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (count < 0) return last_posix_error();
    if (count == 0) return std::make_error_code(std::errc::io_error);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

std::error_code append_bytes(int fd, std::span<const std::byte> bytes, std::size_t& done) {
  done = 0;
  while (done < bytes.size()) {
    const ssize_t count = uninterrupted([&] { return ::write(fd, bytes.data() + done, bytes.size() - done); });
    if (count < 0) return last_posix_error();
    if (count == 0) return std::make_error_code(std::errc::io_error);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

std::error_code read_at(int fd, std::uint64_t offset, std::span<std::byte> into, std::size_t& done) {
  done = 0;
  // Beyond the largest offset there is no file to read.
  if (!offset_fits(offset, into.size())) return {};
  while (done < into.size()) {
    const ssize_t count = uninterrupted(
        [&] { return ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done)); });
    if (count < 0) return last_posix_error();
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return {};
}

std::error_code resize(int fd, std::uint64_t bytes) {
  if (!offset_fits(bytes, 0)) return too_large();
  return outcome_of([=] { return ::ftruncate(fd, static_cast<off_t>(bytes)); });
}

std::error_code preallocate(int fd, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) return {};
  if (!offset_fits(offset, bytes)) return too_large();
  const std::error_code failed = outcome_of(
      [=] { return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)); });
  if (failed == std::errc::operation_not_supported || failed == std::errc::function_not_supported) return {};
  return failed;
}

void start_writeback(int fd) noexcept {
  // A failure is not lost: the next sync of the file reports it.
  (void)::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void drop_cached(int fd) noexcept {
  // Advice: where it is not taken, the file is as right as before.
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

std::error_code sync_data(int fd) {
  return outcome_of([=] { return ::fdatasync(fd); });
}

std::error_code sync_all(int fd) {
  return outcome_of([=] { return ::fsync(fd); });
}

std::error_code sync_file_system(int fd) {
  return outcome_of([=] { return ::syncfs(fd); });
}

std::error_code rename_at(int folder, const std::string& from, const std::string& to) {
  return outcome_of([&] { return ::renameat(folder, from.c_str(), folder, to.c_str()); });
}

std::error_code unlink_at(int folder, const std::string& name) {
  return outcome_of([&] { return ::unlinkat(folder, name.c_str(), 0); });
}

std::error_code set_mode_at(int folder, const std::string& name, std::uint32_t mode) {
#ifdef SYS_fchmodat2
  constexpr long call_number = SYS_fchmodat2;
#else
  constexpr long call_number = 452;  // the same on every architecture; Linux 6.6
#endif
  const std::error_code failed =
      outcome_of([&] { return ::syscall(call_number, folder, name.c_str(), mode, AT_SYMLINK_NOFOLLOW); });
  if (failed != std::errc::function_not_supported && failed != std::errc::operation_not_permitted) return failed;
  // An older kernel, or a sandbox that does not know the call: it takes an open.
  Descriptor file;
  if (const std::error_code refused = open_at(file, folder, name, OpenMode::read)) return refused;
  return set_mode(file.get(), mode);
}

std::error_code set_mode(int fd, std::uint32_t mode) {
  return outcome_of([=] { return ::fchmod(fd, mode); });
}

std::error_code set_owner(int fd, std::optional<std::uint32_t> user, std::optional<std::uint32_t> group) {
  constexpr auto keep = static_cast<std::uint32_t>(-1);
  return outcome_of([=] { return ::fchown(fd, user.value_or(keep), group.value_or(keep)); });
}

std::error_code read_acl(int fd, std::vector<std::byte>& into) {
  into.resize(acl_bytes_max);
  const ssize_t length = uninterrupted([&] { return ::fgetxattr(fd, acl_name, into.data(), into.size()); });
  into.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  into.shrink_to_fit();
  if (length >= 0 || errno == ENODATA || errno == EOPNOTSUPP) return {};
  return last_posix_error();
}

std::error_code set_acl(int fd, std::span<const std::byte> acl) {
  if (!acl.empty()) {
    return outcome_of([=] { return ::fsetxattr(fd, acl_name, acl.data(), acl.size(), 0); });
  }
  const std::error_code failed = outcome_of([=] { return ::fremovexattr(fd, acl_name); });
  const bool had_none = failed.value() == ENODATA || failed.value() == EOPNOTSUPP;
  return had_none ? std::error_code() : failed;
}

std::error_code set_modified_at(int folder, const std::string& name, std::chrono::system_clock::time_point when) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(when - seconds);
  std::array<timespec, 2> times{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = static_cast<time_t>(seconds.time_since_epoch().count());
  times[1].tv_nsec = static_cast<long>(rest.count());
  return outcome_of([&] { return ::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW); });
}

std::error_code may_write_to(int folder) {
  return outcome_of([=] { return ::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS); });
}

std::error_code free_bytes_at(int folder, std::uint64_t& bytes) {
  struct statvfs room {};
  if (const std::error_code failed = outcome_of([&] { return ::fstatvfs(folder, &room); })) return failed;
  bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
  return {};
}

std::error_code try_lock(int fd) {
  return outcome_of([=] { return ::flock(fd, LOCK_EX | LOCK_NB); });
}

std::string process_id() { return std::to_string(::getpid()); }

std::uint32_t default_file_mode() {
  // umask() can only be read by setting it, which another thread could notice.
  const std::string status = read_small_file("/proc/self/status");
  const std::size_t found = status.find("\nUmask:");
  if (found != std::string::npos) {
    const std::size_t begin = status.find_first_of("01234567", found);
    std::uint32_t mask = 0;
    const char* const end = status.data() + status.size();
    if (begin != std::string::npos && std::from_chars(status.data() + begin, end, mask, 8).ec == std::errc()) {
      return 0666 & ~mask;
    }
  }
  return 0600;
}

std::string boot_id() {
  std::string id = read_small_file("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  if (!id.empty()) return id;
  // Unknown: a text that no other process will have, so nothing unsynced is ever trusted.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return "process-" + process_id() + "-" + std::to_string(now.count());
}

}  // namespace bgxfer::inline v0::disk::detail
