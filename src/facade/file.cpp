#include <bgxfer/file.hpp>

#include "../engine/conditions.hpp"
#include "../engine/file_commands.hpp"
#include "../engine/model.hpp"

namespace bgxfer::inline v0 {

namespace {

const detail::FileRecord& record_of(const detail::JobCore& core, FileIndex index) {
  return core.record.files[static_cast<std::size_t>(index)];
}

}  // namespace

std::string File::url() const {
  detail::Model::Lock lock = core_->model->lock();
  const detail::FileRecord& record = record_of(*core_, index_);
  return record.facts && !record.facts->reported.empty() ? record.facts->reported : record.url;
}

std::string File::own_url() const {
  detail::Model::Lock lock = core_->model->lock();
  return record_of(*core_, index_).url;
}

std::vector<std::string> File::mirrors() const {
  detail::Model::Lock lock = core_->model->lock();
  const detail::FileRecord& record = record_of(*core_, index_);
  return record.facts ? record.facts->mirrors : std::vector<std::string>();
}

std::filesystem::path File::target() const {
  detail::Model::Lock lock = core_->model->lock();
  return record_of(*core_, index_).target;
}

std::vector<ByteRange> File::ranges() const {
  detail::Model::Lock lock = core_->model->lock();
  const detail::FileRecord& record = record_of(*core_, index_);
  return record.facts ? record.facts->ranges : std::vector<ByteRange>();
}

std::filesystem::path File::temporary() const {
  detail::Model::Lock lock = core_->model->lock();
  return detail::place_of(core_->record, index_).temporary();
}

FileProgress File::progress() const {
  detail::Model::Lock lock = core_->model->lock();
  const detail::FileRecord& record = record_of(*core_, index_);
  FileProgress progress;
  progress.bytes_transferred = record.bytes();
  if (record.size != detail::size_unknown) progress.bytes_total = record.wanted();
  progress.transferred = record.stage >= detail::FileStage::finished;
  progress.completed = record.stage == detail::FileStage::committed ||
                       (progress.transferred && core_->record.state == JobState::completed);
  return progress;
}

std::vector<ByteRange> File::arrived() const {
  detail::Model::Lock lock = core_->model->lock();
  const detail::FileRecord& record = record_of(*core_, index_);
  return record.facts ? record.facts->arrived.ranges() : std::vector<ByteRange>();
}

std::vector<FileConnection> File::connections() const {
  detail::Model::Lock lock = core_->model->lock();
  const auto found = core_->connections.find(static_cast<std::uint32_t>(index_));
  return found != core_->connections.end() ? found->second : std::vector<FileConnection>();
}

std::vector<Header> File::response_headers() const {
  detail::Model::Lock lock = core_->model->lock();
  const auto found = core_->response_headers.find(static_cast<std::uint32_t>(index_));
  return found == core_->response_headers.end() ? std::vector<Header>() : found->second;
}

Result<bool> File::validation_state() const { return detail::validation_state(*core_, index_); }

CommandResult File::set_url(std::string url) { return detail::set_url(*core_, index_, std::move(url)); }
CommandResult File::set_validation_state(bool valid) { return detail::set_validation_state(*core_, index_, valid); }
CommandResult File::request_ranges(const std::vector<ByteRange>& ranges) {
  return detail::request_ranges(*core_, index_, ranges);
}
CommandResult File::prioritize_from(std::uint64_t offset) { return detail::prioritize_from(*core_, index_, offset); }

asio::awaitable<Result<void>> File::served() const& { return detail::file_served(core_, index_); }
asio::awaitable<Result<void>> File::transferred() const& { return detail::file_transferred(core_, index_); }

}  // namespace bgxfer::inline v0
