#include "commands.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "../base/hash_set.hpp"
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

/// Everything that can be known of new files without the job they go to.
Result<void> check_files(const Model& model, const std::vector<FileSpec>& files) {
  const Model::FileCheck check = model.file_check();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    Result<void> valid = validate_file(files[i], model.limits());
    if (!valid) return valid.error().with_file(index);
    Result<void> possible = check(files[i]);
    if (!possible) return possible.error().with_file(index);
  }
  return {};
}

/// Adds the targets of `files`, all or none: two files of a job must not have the same one.
Result<void> add_targets(HashSet& targets, const std::vector<FileSpec>& files) {
  targets.reserve(targets.size() + files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::filesystem::path& target = files[i].target;
    if (targets.insert(hash_of(target.native()))) continue;
    for (std::size_t added = i; added > 0; --added) targets.undo(hash_of(files[added - 1].target.native()));
    return Error(Errc::duplicate_target, ErrorContext::queue, target.string()).with_file(static_cast<std::uint32_t>(i));
  }
  return {};
}

/// Those of the job, which has none until it gets them back.
std::unique_ptr<HashSet> take_targets(JobCore& job) {
  if (job.targets) return std::move(job.targets);
  auto targets = std::make_unique<HashSet>();
  targets->reserve(job.record.files.size());
  for (const FileRecord& file : job.record.files) targets->insert(hash_of(file.target));
  return targets;
}

Result<void> check_count(const Model& model, std::size_t files) {
  if (files <= model.limits().files_per_job_max) return {};
  return Error(Errc::too_many_files, ErrorContext::queue,
               std::to_string(files) + " files, at most " + std::to_string(model.limits().files_per_job_max));
}

/// A job is transferred, and bytes of a file are gone since: somebody deleted its temporary file, say. Completing it
/// would give the file up. Files that were added since may be given up, as ever.
Result<void> check_whole(const JobRecord& job) {
  if (job.state != JobState::transferred) return {};
  const std::optional<FileIndex> lost = unfinished_file(job);
  if (!lost) return {};
  const auto index = static_cast<std::uint32_t>(*lost);
  return Error(Errc::invalid_state, ErrorContext::queue,
               "complete: bytes of " + job.files[index].target +
                   " are gone; resume the job first, which fetches them again")
      .with_file(index);
}

/// The command would be run, and only the host can say whether that may be.
Result<void> check_command(const Model::Lock& lock, const Model& model, const JobOptions& options) {
  if (options.notify.command.program.empty() || model.commands_allowed(lock)) return {};
  return Error(Errc::command_forbidden, ErrorContext::queue,
               "notify.command: " + options.notify.command.program + "; see QueueOptions::run_command");
}

bool has_ranges(const JobCore& job) {
  const std::vector<FileRecord>& files = job.record.files;
  return std::any_of(files.begin(), files.end(),
                     [](const FileRecord& it) { return it.facts && !it.facts->ranges.empty(); });
}

bool has_ranges(const std::vector<FileSpec>& files) {
  return std::any_of(files.begin(), files.end(), [](const FileSpec& it) { return !it.ranges.empty(); });
}

Result<void> check_edit(const Model::Lock& lock, const JobCore& job, const JobOptions& after) {
  const JobRecord& record = job.record;
  const Model& model = *job.model;
  Result<void> allowed = validate_edit(record.options, after, !record.files.empty(), record.resumed);
  if (!allowed) return allowed;
  // Spec part 3.15: by then they have been applied to every file.
  if (after.file_acl_flags != record.options.file_acl_flags && record.state == JobState::transferred) {
    return Error(Errc::invalid_state, ErrorContext::queue, "file_acl_flags: fixed once the job is transferred");
  }
  // Spec parts 3.10 and 3.11.
  if (after.http.tls.validator != record.options.http.tls.validator && is_active(record.state)) {
    return Error(Errc::read_only_while_active, ErrorContext::queue, "http.tls.validator");
  }
  if (after.http.method != default_method && after.priority != Priority::foreground) {
    return Error(Errc::unsupported_configuration, ErrorContext::queue,
                 "priority: a job with the method " + after.http.method + " stays in the foreground");
  }
  Result<void> valid = validate_options(after, model.limits());
  if (!valid) return valid;
  Result<void> fits = validate_together(after, after.download.dynamic_content && has_ranges(job));
  if (!fits) return fits;
  if (record.options.notify.command == after.notify.command) return {};
  return check_command(lock, model, after);
}

/// Nobody is there on whose behalf the job could go on (spec part 3.14).
void stop_without_identity(const Model::Lock& lock, JobCore& job) {
  if (!lacks_identity(job.record) || !is_active(job.record.state)) return;
  job.model->move(lock, job, Stimulus::identity_missing,
                  Error(Errc::identity_needed, ErrorContext::queue, job.record.options.display_name));
  stop_task(job);
}

/// One change in the journal. What runs goes on, unless what changed needs a fresh start (spec part 1.3, T34).
void apply_edit(const Model::Lock& lock, JobCore& job, JobOptions after) {
  Model& model = *job.model;
  cut_times(after);
  const JobOptions& before = job.record.options;
  const bool start_anew = before.priority != after.priority || before.peer_caching != after.peer_caching;
  const bool withheld = job.record.headers_withheld && !has_secrets(after.http);
  model.commit(lock, job, JobConfigured{job.record.id, std::move(after), withheld, model.clock().wall_now()});
  model.secrets_changed(lock, job.record.id);
  if (start_anew && is_running(job.record.state)) {
    model.move(lock, job, Stimulus::reconfigured);
    stop_task(job);
  }
  stop_without_identity(lock, job);
  model.wake(lock);
}

/// What belongs to the one who set it, and not to a new owner.
void drop_secrets(JobOptions& options) {
  options.http.headers.clear();
  options.http.credentials.clear();
  options.http.stored_credentials.reset();
  options.identity.helper.reset();
  options.http.tls.client = {};
  options.notify.command = NotifyCommand();
}

void forget_failures(JobCore& job) {
  job.attempts = 0;
  job.failing_since.reset();
  job.restarts.clear();
  job.wrong_pieces.clear();
}

}  // namespace

Result<void> check_open(const Model::Lock& lock, const JobCore& job, std::string_view command) {
  if (is_final(job.record.state)) return refuse_state(job, command);
  if (const std::optional<Error>& closed = job.model->closed(lock)) return *closed;
  if (job.record.committing) return refuse_state(job, command);
  return {};
}

Result<Model::Core> add_job(Model& model, JobOptions options) {
  Result<void> valid = validate_options(options, model.limits());
  if (!valid) return valid.error();
  cut_times(options);
  if (options.http.method != default_method) options.priority = Priority::foreground;  // Spec part 3.11.
  std::vector<FileSpec> files = std::exchange(options.files, {});
  Result<void> count = check_count(model, files.size());
  if (!count) return count.error();
  Result<void> together = validate_together(options, has_ranges(files));
  if (!together) return together.error();
  Result<void> possible = check_files(model, files);
  if (!possible) return possible.error();
  HashSet targets;
  Result<void> fresh = add_targets(targets, files);
  if (!fresh) return fresh.error();

  Model::Lock lock = model.lock();
  if (const std::optional<Error>& closed = model.closed(lock)) return *closed;
  Result<void> command = check_command(lock, model, options);
  if (!command) return command.error();
  const std::size_t owned = model.jobs_of(lock, model.owner(lock).name);
  if (owned >= model.limits().jobs_per_owner_max) {
    return Error(Errc::too_many_jobs_of_owner, ErrorContext::queue,
                 model.owner(lock).name + " has " + std::to_string(owned) + " jobs");
  }
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
  Result<void> together = validate_together(job.record.options, has_ranges(files));
  if (!together) return together;
  // Not given back where this ends by an exception: they are made anew then, of the files that the job has.
  std::unique_ptr<HashSet> targets = take_targets(job);
  Result<void> fresh = add_targets(*targets, files);
  if (fresh) model.commit(lock, job, FilesAdded{job.record.id, std::move(files), model.clock().wall_now()});
  job.targets = std::move(targets);
  if (!fresh) return fresh;
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
  if (lacks_identity(record)) return Error(Errc::identity_needed, ErrorContext::queue, record.options.display_name);
  const bool finished = record.totals.files_finished == record.files.size();
  if (!is_running(record.state)) forget_failures(job);
  model.restart_active_time(lock, job);
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
  Result<void> whole = check_whole(job.record);
  if (!whole) return whole;
  // What is still on its way is given up first (spec part 4.6, rule 2).
  if (is_active(job.record.state)) model.move(lock, job, Stimulus::suspend);
  stop_task(job);
  job.commit_error.reset();
  model.commit(lock, job, CommitStarted{job.record.id, model.clock().wall_now()});
  model.end_later(lock, job);
  model.wake(lock);
  return {};
}

Result<void> take_ownership(JobCore& job) {
  Model& model = *job.model;
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "take_ownership");
  if (!open) return open;
  JobOptions options = job.record.options;
  drop_secrets(options);
  const WallTime now = model.clock().wall_now();
  model.commit(lock, job, JobConfigured{job.record.id, std::move(options), false, now, model.owner(lock)});
  model.secrets_changed(lock, job.record.id);
  stop_without_identity(lock, job);
  model.wake(lock);
  return {};
}

Result<void> set_notify_handler(JobCore& job, CoreHandler handler) {
  Model::Lock lock = job.model->lock();
  Result<void> open = check_open(lock, job, "set_notify_handler");
  if (!open) return open;
  job.model->set_handler(lock, job, std::move(handler));
  return {};
}

Result<void> configure(JobCore& job, const std::function<void(JobOptions&)>& edit) {
  Model& model = *job.model;
  for (;;) {
    JobOptions options;
    std::uint64_t edits = 0;
    {
      Model::Lock lock = model.lock();
      options = job.record.options;
      edits = job.edits;
    }
    const HttpOptions stored = std::exchange(options.http, shown(options.http));
    const IdentityOptions stored_identity = std::exchange(options.identity, shown(options.identity));
    edit(options);  // The host's code: without the lock.
    keep_unshown(options.http, stored);
    keep_unshown(options.identity, stored_identity);
    const bool new_method = options.http.method != stored.method;
    if (new_method && options.http.method != default_method) options.priority = Priority::foreground;

    Model::Lock lock = model.lock();
    Result<void> open = check_open(lock, job, "configure");
    if (!open) return open;
    // Somebody else was faster, and what was edited is out of date.
    if (edits != job.edits) continue;
    Result<void> allowed = check_edit(lock, job, options);
    if (!allowed) return allowed;
    apply_edit(lock, job, std::move(options));
    return {};
  }
}

}  // namespace bgxfer::inline v0::detail
