#include "commands.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>

#include "../model/secrets.hpp"
#include "../model/validate.hpp"
#include "job_task.hpp"

namespace bgxfer::inline v0::detail {

namespace {

std::uint64_t hash_of(const std::string& target) { return std::hash<std::string>()(target); }

Error refuse_state(const JobCore& job, std::string_view command) {
  return Error(Errc::invalid_state, ErrorContext::queue,
               std::string(command) + ": the job is " +
                   (job.record.committing ? "being completed" : std::string(to_string(job.record.state))));
}

/// Whether commands are taken at all, and by this job still.
Result<void> check_open(const Model::Lock& lock, const JobCore& job, std::string_view command) {
  if (is_final(job.record.state)) return refuse_state(job, command);
  if (const std::optional<Error>& closed = job.model->closed(lock)) return *closed;
  if (job.record.committing) return refuse_state(job, command);
  return {};
}

/// Everything that can be known of new files without the job they go to.
Result<void> check_files(const Model& model, const std::vector<FileSpec>& files) {
  std::unordered_set<std::string_view> targets;
  targets.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    Result<void> valid = validate_file(files[i], model.limits());
    if (!valid) return valid.error().with_file(index);
    Result<void> possible = model.check(files[i]);
    if (!possible) return possible.error().with_file(index);
    if (!targets.insert(files[i].target.native()).second) {
      return Error(Errc::duplicate_target, ErrorContext::queue, files[i].target.string()).with_file(index);
    }
  }
  return {};
}

/// Whether the job has none of these targets yet.
Result<void> check_targets(JobCore& job, const std::vector<FileSpec>& files) {
  if (!job.targets) {
    job.targets = std::make_unique<std::unordered_set<std::uint64_t>>();
    for (const FileRecord& file : job.record.files) job.targets->insert(hash_of(file.target));
  }
  for (const FileSpec& file : files) {
    if (job.targets->contains(hash_of(file.target.native()))) {
      return Error(Errc::duplicate_target, ErrorContext::queue, file.target.string());
    }
  }
  return {};
}

Result<void> check_count(const Model& model, std::size_t files) {
  if (files <= model.limits().files_per_job_max) return {};
  return Error(Errc::too_many_files, ErrorContext::queue,
               std::to_string(files) + " files, at most " + std::to_string(model.limits().files_per_job_max));
}

/// Whether the job has been resumed, as far as its record tells.
bool has_begun(const JobRecord& job) {
  return job.state != JobState::suspended || job.error_count > 0 || job.totals.bytes_transferred > 0;
}

void forget_failures(JobCore& job) {
  job.attempts = 0;
  job.failing_since.reset();
  job.restarts.clear();
}

}  // namespace

Result<Model::Core> add_job(Model& model, JobOptions options) {
  Result<void> valid = validate_options(options, model.limits());
  if (!valid) return valid.error();
  if (options.http.method != default_method) options.priority = Priority::foreground;  // Spec part 3.11.
  std::vector<FileSpec> files = std::exchange(options.files, {});
  Result<void> count = check_count(model, files.size());
  if (!count) return count.error();
  Result<void> possible = check_files(model, files);
  if (!possible) return possible.error();

  Model::Lock lock = model.lock();
  if (const std::optional<Error>& closed = model.closed(lock)) return *closed;
  if (model.size(lock) >= model.limits().jobs_max) {
    return Error(Errc::too_many_jobs, ErrorContext::queue, std::to_string(model.size(lock)) + " jobs");
  }
  Model::Core job = model.create(lock, std::move(options));
  if (!files.empty()) {
    model.commit(lock, *job, FilesAdded{job->record.id, std::move(files), model.clock().wall_now()});
  }
  return job;
}

Result<void> add_files(JobCore& job, std::vector<FileSpec> files) {
  Model& model = *job.model;
  if (files.empty()) return {};
  Result<void> possible = check_files(model, files);
  if (!possible) return possible;

  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "add");
  if (!open) return open;
  Result<void> count = check_count(model, job.record.files.size() + files.size());
  if (!count) return count;
  Result<void> fresh = check_targets(job, files);
  if (!fresh) return fresh;
  for (const FileSpec& file : files) job.targets->insert(hash_of(file.target.native()));
  model.commit(lock, job, FilesAdded{job.record.id, std::move(files), model.clock().wall_now()});
  model.wake(lock);
  return {};
}

Result<void> resume(JobCore& job) {
  Model& model = *job.model;
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "resume");
  if (!open) return open;
  const JobRecord& record = job.record;
  if (record.files.empty()) return Error(Errc::empty_job, ErrorContext::queue, record.options.display_name);
  if (record.headers_withheld) return Error(Errc::headers_needed, ErrorContext::queue, record.options.display_name);
  const bool finished = record.totals.files_finished == record.files.size();
  if (!is_running(record.state)) forget_failures(job);
  model.move(lock, job, finished ? Stimulus::resume_finished : Stimulus::resume);
  model.wake(lock);
  return {};
}

Result<void> suspend(JobCore& job) {
  Model::Lock lock = job.model->lock();
  Result<void> open = check_open(lock, job, "suspend");
  if (!open) return open;
  job.model->move(lock, job, Stimulus::suspend);
  stop_task(job);
  return {};
}

Result<void> cancel(JobCore& job) {
  Model::Lock lock = job.model->lock();
  Result<void> open = check_open(lock, job, "cancel");
  if (!open) return open;
  job.model->move(lock, job, Stimulus::cancel);
  stop_task(job);
  job.model->end_later(lock, job);
  job.model->wake(lock);
  return {};
}

Result<void> complete(JobCore& job) {
  Model& model = *job.model;
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "complete");
  if (!open) return open;
  // What is still on its way is given up first (spec part 4.6, rule 2).
  if (is_active(job.record.state)) model.move(lock, job, Stimulus::suspend);
  stop_task(job);
  job.commit_error.reset();
  model.commit(lock, job, CommitStarted{job.record.id, model.clock().wall_now()});
  model.end_later(lock, job);
  model.wake(lock);
  return {};
}

Result<void> configure(JobCore& job, const std::function<void(JobOptions&)>& edit) {
  Model& model = *job.model;
  JobOptions options;
  {
    Model::Lock lock = model.lock();
    options = job.record.options;
  }
  const HttpOptions stored = std::exchange(options.http, shown(options.http));
  const JobType type = options.type;
  edit(options);  // The host's code: without the lock.
  if (!options.files.empty()) {
    return Error(Errc::invalid_argument, ErrorContext::queue, "configure: files are added with Job::add");
  }
  if (options.type != type) return Error(Errc::invalid_argument, ErrorContext::queue, "configure: the type is fixed");
  keep_unshown(options.http, stored);
  const bool own_method = options.http.method != default_method;
  if (options.http.method != stored.method) {
    if (own_method) options.priority = Priority::foreground;
  } else if (own_method && options.priority != Priority::foreground) {
    return Error(Errc::invalid_argument, ErrorContext::queue,
                 "priority: a job with the method " + options.http.method + " stays in the foreground");
  }
  Result<void> valid = validate_options(options, model.limits());
  if (!valid) return valid;

  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "configure");
  if (!open) return open;
  if (options.http.method != stored.method && has_begun(job.record)) {
    return Error(Errc::invalid_state, ErrorContext::queue, "http.method: fixed once the job has been resumed");
  }
  if (options.http.tls.validator != stored.tls.validator && is_active(job.record.state)) {
    return Error(Errc::invalid_state, ErrorContext::queue, "http.tls.validator: suspend the job first");
  }
  const bool withheld = job.record.headers_withheld && !has_secrets(options.http);
  model.commit(lock, job, JobConfigured{job.record.id, std::move(options), withheld, model.clock().wall_now()});
  model.secrets_changed(lock, job.record.id);
  model.wake(lock);
  return {};
}

}  // namespace bgxfer::inline v0::detail
