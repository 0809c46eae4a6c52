#include <bgxfer/disk/disk_storage.hpp>

#include <functional>
#include <utility>

#include "../base/file_name.hpp"
#include "disk_batch.hpp"
#include "disk_log.hpp"
#include "disk_partial.hpp"
#include "folder.hpp"
#include "posix_file.hpp"
#include "worker.hpp"

namespace bgxfer::inline v0::disk {

namespace {

class DiskStorage final : public Storage {
 public:
  explicit DiskStorage(StorageOptions options)
      : options_(options), folders_(std::make_shared<detail::Folders>(options.open_folders_max)) {}

  Result<void> check_target(const std::filesystem::path& target) const override { return target_check()(target); }

  TargetCheck target_check() const override {
    return [this, folder = std::shared_ptr<const detail::Folder>()](const std::filesystem::path& target) mutable {
      return check_target_in(folder, target);
    };
  }

  asio::awaitable<Result<std::unique_ptr<PartialFile>>> open(OpenPartial request) override {
    const Result<void> lawful = bgxfer::detail::check_place_text(request.place.target, request.place.temporary_name);
    if (!lawful) co_return lawful.error();
    detail::PartialSettings settings;
    settings.preallocate = options_.preallocate;
    settings.spare_page_cache = options_.spare_page_cache;
    settings.worker = worker_;
    settings.user = request.place.user;
    if (!settings.user) co_return detail::open_partial(*folders_, request, settings);
    std::function<Opened()> call = [request = std::move(request), settings] {
      return detail::open_partial_as(request, settings);
    };
    co_return co_await detail::Worker::run(worker_, std::move(call));
  }

  asio::awaitable<Result<void>> sync(std::span<const FilePlace> files) override {
    if (files.empty()) co_return Result<void>();
    std::function<Result<void>()> call = [folders = folders_, batch = std::vector(files.begin(), files.end())] {
      return detail::sync_batch(*folders, batch);
    };
    co_return co_await detail::Worker::run(worker_, std::move(call));
  }

  asio::awaitable<CommitReport> commit(std::span<const CommitFile> files) override {
    if (files.empty()) co_return CommitReport();
    std::function<CommitReport()> call = [folders = folders_, batch = std::vector(files.begin(), files.end())] {
      return detail::commit_batch(*folders, batch);
    };
    co_return co_await detail::Worker::run(worker_, std::move(call));
  }

  asio::awaitable<Result<void>> discard(std::span<const FilePlace> files) override {
    if (files.empty()) co_return Result<void>();
    std::function<Result<void>()> call = [folders = folders_, batch = std::vector(files.begin(), files.end())] {
      return detail::discard_batch(*folders, batch);
    };
    co_return co_await detail::Worker::run(worker_, std::move(call));
  }

  asio::awaitable<Result<std::uint64_t>> free_bytes(std::filesystem::path where) override {
    const Result<std::shared_ptr<const detail::Folder>> folder = folders_->get(where.native());
    if (!folder) co_return folder.error();
    std::uint64_t bytes = 0;
    if (const std::error_code failed = detail::free_bytes_at((*folder)->get(), bytes)) {
      co_return detail::file_error(failed, where);
    }
    co_return bytes;
  }

  asio::awaitable<Result<std::unique_ptr<LogFile>>> open_log(std::filesystem::path path) override {
    std::error_code failed;
    const std::filesystem::path absolute = std::filesystem::absolute(path, failed).lexically_normal();
    if (failed) co_return detail::file_error(failed, path);
    const Result<void> lawful = bgxfer::detail::check_target_text(absolute);
    if (!lawful) co_return lawful.error();
    co_return detail::open_disk_log(*folders_, worker_, absolute, options_.log_bytes_max);
  }

  std::string epoch() const override { return epoch_; }

 private:
  using Opened = Result<std::unique_ptr<PartialFile>>;

  /// `folder` is that of the target before, and becomes that of this one.
  Result<void> check_target_in(std::shared_ptr<const detail::Folder>& folder,
                               const std::filesystem::path& target) const {
    const Result<void> lawful = bgxfer::detail::check_target_text(target);
    if (!lawful) return lawful;
    const std::string_view path = detail::folder_of(target);
    if (!folder || folder->path != path) {
      Result<std::shared_ptr<const detail::Folder>> current = folders_->get_current(path);
      if (!current) return current.error();
      folder = *std::move(current);
    }
    if (folder->refused) return detail::file_error(folder->refused, folder->path);
    if (folder->facts.has_no_folders()) return {};
    detail::FileFacts facts;
    const std::error_code is_free = detail::facts_at(folder->get(), std::string(detail::name_of(target)), facts);
    if (!is_free && facts.is_folder()) {
      return detail::file_error(std::make_error_code(std::errc::is_a_directory), target);
    }
    return {};
  }

  const StorageOptions options_;
  const std::string epoch_ = detail::boot_id();
  // Shared with calls that are under way, and with files, which may outlive the storage.
  std::shared_ptr<detail::Folders> folders_;
  std::shared_ptr<detail::Worker> worker_ = std::make_shared<detail::Worker>();
};

}  // namespace

std::shared_ptr<Storage> make_storage(StorageOptions options) { return std::make_shared<DiskStorage>(options); }

}  // namespace bgxfer::inline v0::disk
