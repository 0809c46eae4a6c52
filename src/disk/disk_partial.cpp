#include "disk_partial.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "acting.hpp"

namespace bgxfer::inline v0::disk::detail {

namespace {

/// After so many bytes the disk is told to begin with what it has: what a sync has to wait for is then about as much,
/// and never all that arrived since the last one. It is also the moment for what it has done to leave the page cache.
constexpr std::uint64_t writeback_bytes = 8 * 1024 * 1024;

// All of what is wanted, or an error with the file as it was but for its permissions.
std::error_code apply_attributes(const Descriptor& file, const FileAttributes& attributes, FileAclFlags wanted) {
  FileFacts before;
  std::error_code failed = facts_of(file.get(), before);
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  // Giving a file what it has already takes no privilege.
  if (has(wanted, FileAclFlags::owner) && attributes.owner != before.owner) user = attributes.owner;
  if (has(wanted, FileAclFlags::group) && attributes.group != before.group) group = attributes.group;
  if (!failed && (user || group)) failed = set_owner(file.get(), user, group);
  if (failed || !has(wanted, FileAclFlags::dacl)) return failed;
  failed = set_mode(file.get(), attributes.mode & 0777);
  if (!failed) failed = set_acl(file.get(), attributes.acl);
  // Somebody else's file would not be opened again.
  if (failed && (user || group)) (void)set_owner(file.get(), before.owner, before.group);
  return failed;
}

class DiskPartial final : public PartialFile {
 public:
  DiskPartial(Descriptor file, std::shared_ptr<const Folder> folder, std::string name, PartialSettings settings)
      : file_(std::make_shared<Descriptor>(std::move(file))),
        folder_(std::move(folder)),
        name_(std::move(name)),
        settings_(std::move(settings)) {}

  FileIdentity identity() const noexcept override {
    FileFacts facts;
    // A file that cannot be examined gets an identity that no file has.
    if (facts_of(file_->get(), facts)) return FileIdentity{~std::uint64_t{0}, ~std::uint64_t{0}};
    return facts.identity;
  }

  asio::awaitable<Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::error_code failed = write_at(file_->get(), offset, bytes);
    if (!failed) begin_writeback(bytes.size());
    co_return judged(failed);
  }

  asio::awaitable<Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    const std::error_code failed = read_at(file_->get(), offset, into, done);
    if (failed) co_return file_error(failed, path());
    co_return done;
  }

  asio::awaitable<Result<std::uint64_t>> size() override {
    FileFacts facts;
    const std::error_code failed = facts_of(file_->get(), facts);
    if (failed) co_return file_error(failed, path());
    co_return facts.size;
  }

  asio::awaitable<Result<void>> resize(std::uint64_t bytes) override {
    co_return judged(detail::resize(file_->get(), bytes));
  }

  asio::awaitable<Result<void>> reserve(std::uint64_t bytes) override {
    if (!settings_.preallocate) co_return Result<void>();
    co_return judged(preallocate(file_->get(), 0, bytes));
  }

  asio::awaitable<Result<void>> sync() override {
    const bool name_too = !name_is_durable_;
    std::function<std::error_code()> call = [file = file_, folder = folder_, name_too] {
      std::error_code failed = sync_data(file->get());
      if (!failed && name_too) failed = sync_all(folder->get());
      return failed;
    };
    const std::error_code failed = co_await Worker::run(settings_.worker, std::move(call));
    if (!failed) name_is_durable_ = true;
    co_return judged(failed);
  }

  asio::awaitable<Result<void>> set_attributes(FileAttributes attributes, FileAclFlags wanted) override {
    std::function<std::error_code()> call = [file = file_, user = settings_.user, attributes = std::move(attributes),
                                             wanted] {
      std::error_code failed;
      const std::error_code refused = act_as(user, [&] { failed = apply_attributes(*file, attributes, wanted); });
      // They are not data, which is all that a later sync of the file cares for.
      if (!failed && !refused) failed = sync_all(file->get());
      return refused ? refused : failed;
    };
    const std::error_code failed = co_await Worker::run(settings_.worker, std::move(call));
    const bool denied = failed == std::errc::operation_not_permitted || failed == std::errc::permission_denied;
    co_return judged(denied ? make_error_code(Errc::attributes_denied) : failed);
  }

 private:
  // The call waits where the disk's queue is full, so it is the worker's. One at a time: the next finds what this one
  // left.
  void begin_writeback(std::uint64_t written) {
    unstarted_bytes_ += written;
    if (unstarted_bytes_ < writeback_bytes) return;
    if (!writing_back_) writing_back_ = std::make_shared<std::atomic<bool>>(false);
    if (writing_back_->exchange(true)) return;
    unstarted_bytes_ = 0;
    settings_.worker->begin([file = file_, writing_back = writing_back_, spare_cache = settings_.spare_page_cache] {
      start_writeback(file->get());
      if (spare_cache) drop_cached(file->get());
      *writing_back = false;
    });
  }

  [[nodiscard]] std::filesystem::path path() const { return std::filesystem::path(folder_->path) / name_; }

  Result<void> judged(std::error_code failed) const {
    if (failed) return file_error(failed, path());
    return {};
  }

  std::shared_ptr<Descriptor> file_;  // shared with a sync that outlives its coroutine
  std::shared_ptr<const Folder> folder_;
  std::string name_;
  PartialSettings settings_;
  bool name_is_durable_ = false;
  std::uint64_t unstarted_bytes_ = 0;                // written since the disk was told to begin
  std::shared_ptr<std::atomic<bool>> writing_back_;  // empty for most files, which are small
};

std::error_code make_partial(Descriptor& into, const Folder& folder, const std::string& name) {
  std::error_code failed = open_at(into, folder.get(), name, OpenMode::create);
  if (failed != std::errc::file_exists) return failed;
  // A leftover of an earlier life. Removing a link removes the link.
  failed = unlink_at(folder.get(), name);
  if (failed && failed != std::errc::no_such_file_or_directory) return failed;
  return open_at(into, folder.get(), name, OpenMode::create);
}

std::error_code reopen_partial(Descriptor& into, const Folder& folder, const std::string& name, FileIdentity expected) {
  const std::error_code changed = make_error_code(Errc::partial_file_changed);
  std::error_code failed = open_at(into, folder.get(), name, OpenMode::existing);
  const bool is_other = failed == std::errc::no_such_file_or_directory || failed == std::errc::is_a_directory ||
                        failed == std::errc::too_many_symbolic_link_levels ||
                        failed == std::errc::no_such_device_or_address;
  if (is_other) return changed;
  if (failed) return failed;
  FileFacts facts;
  failed = facts_of(into.get(), facts);
  if (failed) return failed;
  return facts.is_ours_alone() && facts.identity == expected ? std::error_code() : changed;
}

}  // namespace

Result<std::unique_ptr<PartialFile>> open_partial(Folders& folders, const OpenPartial& request,
                                                  const PartialSettings& settings) {
  const std::string_view folder_path = folder_of(request.place.target);
  const std::string& name = request.place.temporary_name;
  std::error_code failed;
  // Twice, because a folder that was held open may have been deleted and made again.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<std::shared_ptr<const Folder>> folder = folders.get(folder_path);
    if (!folder) return folder.error();
    Descriptor file;
    failed =
        request.expected ? reopen_partial(file, **folder, name, *request.expected) : make_partial(file, **folder, name);
    if (!failed) {
      return std::unique_ptr<PartialFile>(std::make_unique<DiskPartial>(std::move(file), *folder, name, settings));
    }
    if (failed != std::errc::no_such_file_or_directory) break;
    folders.forget(folder_path);
  }
  return file_error(failed, request.place.temporary());
}

Result<std::unique_ptr<PartialFile>> open_partial_as(const OpenPartial& request, const PartialSettings& settings) {
  Result<std::unique_ptr<PartialFile>> opened;
  const std::error_code refused = act_as(settings.user, [&] {
    Folders folders(1);  // Those that the process has open may be closed to others.
    opened = open_partial(folders, request, settings);
  });
  if (refused) return file_error(refused, request.place.temporary());
  return opened;
}

}  // namespace bgxfer::inline v0::disk::detail
