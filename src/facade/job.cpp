#include <bgxfer/job.hpp>

#include "../engine/commands.hpp"
#include "../engine/conditions.hpp"
#include "../engine/file_commands.hpp"
#include "../model/secrets.hpp"

namespace bgxfer::inline v0 {

JobId Job::id() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.id;
}

JobOptions Job::options() const {
  detail::Model::Lock lock = core_->model->lock();
  JobOptions options = core_->record.options;
  options.http = detail::shown(std::move(options.http));
  options.identity = detail::shown(std::move(options.identity));
  return options;
}

JobState Job::state() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.state;
}

Waiting Job::waiting() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->model->waiting(lock, *core_);
}

Progress Job::progress() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->model->progress(lock, *core_);
}

std::uint64_t Job::bytes_received() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->bytes_received;
}

JobTimes Job::times() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.times;
}

std::optional<Error> Job::error() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.error;
}

std::uint32_t Job::error_count() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.error_count;
}

Owner Job::owner() const {
  detail::Model::Lock lock = core_->model->lock();
  return core_->record.owner;
}

std::vector<File> Job::files() const {
  detail::Model::Lock lock = core_->model->lock();
  std::vector<File> files;
  files.reserve(core_->record.files.size());
  for (std::size_t i = 0; i < core_->record.files.size(); ++i) files.push_back(File(core_, static_cast<FileIndex>(i)));
  return files;
}

CommandResult Job::resume() { return detail::resume(*core_); }
CommandResult Job::suspend() { return detail::suspend(*core_); }
CommandResult Job::cancel() { return detail::cancel(*core_); }
CommandResult Job::complete() { return detail::complete(*core_); }
CommandResult Job::add(std::vector<FileSpec> files) { return detail::add_files(*core_, std::move(files)); }

Result<std::size_t> Job::replace_url_prefix(const std::string& from, const std::string& to) {
  return detail::replace_url_prefix(*core_, from, to);
}

CommandResult Job::set_priority(Priority priority) {
  return detail::configure(*core_, [priority](JobOptions& options) { options.priority = priority; });
}

CommandResult Job::set_notify_handler(NotifyHandler handler) {
  return detail::set_notify_handler(*core_, handler ? from_inside(std::move(handler)) : nullptr);
}

std::function<NotifyResult(const std::shared_ptr<detail::JobCore>&, const Event&)> Job::from_inside(
    NotifyHandler handler) {
  return [handler = std::move(handler)](const std::shared_ptr<detail::JobCore>& core, const Event& event) {
    return handler(Job(core), event);
  };
}

CommandResult Job::take_ownership() { return detail::take_ownership(*core_); }

CommandResult Job::configure(const std::function<void(JobOptions&)>& edit) { return detail::configure(*core_, edit); }

asio::awaitable<Result<void>> Job::transferred() const& { return detail::job_transferred(core_); }
asio::awaitable<Result<void>> Job::completed() const& { return detail::job_completed(core_); }

Subscription Job::on_event(std::function<void(const Event&)> callback) {
  Subscription subscription(core_->model->hub().subscribe(id(), std::move(callback)));
  detail::Model::Lock lock = core_->model->lock();
  core_->model->remind(lock, core_->record.id);
  return subscription;
}

}  // namespace bgxfer::inline v0
