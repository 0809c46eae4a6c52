#include "file_commands.hpp"

#include <algorithm>
#include <utility>

#include "../model/secrets.hpp"
#include "../model/validate.hpp"
#include "commands.hpp"
#include "job_task.hpp"

namespace bgxfer::inline v0::detail {

namespace {

FileRecord& record_of(JobCore& job, FileIndex file) { return job.record.files[static_cast<std::size_t>(file)]; }

Result<void> check_url(const Model& model, const std::string& url) {
  Result<void> valid = validate_url(url, model.limits());
  if (!valid) return valid;
  return model.check_url(url);
}

/// Files that are on their way from the old URL are asked for anew (spec part 1.3, T34).
void start_anew(const Model::Lock& lock, JobCore& job) {
  job.wrong_pieces.clear();  // Elsewhere they may be right.
  if (is_running(job.record.state)) {
    job.model->move(lock, job, Stimulus::reconfigured);
    stop_task(job);
  }
  job.model->wake(lock);
}

/// Spec part 4.8: which files can be had in any order.
Result<void> check_random_access(const JobCore& job, FileIndex file) {
  const JobOptions& options = job.record.options;
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::random_access_unsupported, ErrorContext::queue, public_url(record.url) + ": " + std::string(why))
        .with_file(static_cast<std::uint32_t>(file));
  };
  if (options.download.dynamic_content) return refuse("the job is for dynamic content");
  if (options.http.method != default_method) return refuse("the job has a method of its own");
  if (record.facts && !record.facts->ranges.empty()) return refuse("the file is made of ranges");
  if (job.sequential.contains(static_cast<std::uint32_t>(file))) return refuse("its server does not send parts");
  return {};
}

Result<void> check_range(const FileRecord& record, ByteRange range) {
  const bool has_bytes = !range.empty() && range.offset != ByteRange::to_end;
  const bool open = range.length == ByteRange::to_end;
  const bool inside =
      record.size == size_unknown || (range.offset < record.size && (open || range.end() <= record.size));
  if (has_bytes && inside) return {};
  std::string detail = public_url(record.url) + ": the range at offset " + std::to_string(range.offset);
  detail += has_bytes ? " ends after the " + std::to_string(record.size) + " bytes of the file"
                      : std::string(" has no bytes");
  return Error(Errc::invalid_range, ErrorContext::queue, std::move(detail));
}

}  // namespace

bool is_served(const JobCore& job, FileIndex file) {
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  const auto found = job.wishes.find(static_cast<std::uint32_t>(file));
  if (record.stage >= FileStage::finished || found == job.wishes.end()) return true;
  const RangeSet none;
  const RangeSet& arrived = record.facts ? record.facts->arrived : none;
  const std::vector<ByteRange> wishes = found->second.ranges.ranges();
  return std::all_of(wishes.begin(), wishes.end(), [&](ByteRange wish) {
    return arrived.contains(ByteRange::between(wish.offset, std::min(wish.end(), record.size)));
  });
}

Result<void> set_url(JobCore& job, FileIndex file, std::string url) {
  Model& model = *job.model;
  Result<void> valid = check_url(model, url);
  if (!valid) return valid.error().with_file(static_cast<std::uint32_t>(file));
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "set_url");
  if (!open) return open;
  const FileRecord& record = record_of(job, file);
  if (record.url == url) return {};
  const bool unfinished = record.stage < FileStage::finished;
  model.commit(lock, job, UrlChanged{job.record.id, file, std::string(), std::move(url), model.clock().wall_now()});
  if (unfinished) start_anew(lock, job);
  return {};
}

Result<std::size_t> replace_url_prefix(JobCore& job, const std::string& from, const std::string& to) {
  Model& model = *job.model;
  if (from.empty())
    return Error(Errc::invalid_argument, ErrorContext::queue, "replace_url_prefix: the prefix is empty");
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "replace_url_prefix");
  if (!open) return open.error();
  std::size_t matched = 0;
  bool unfinished = false;
  const std::vector<FileRecord>& files = job.record.files;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].url.starts_with(from)) continue;
    Result<void> valid = check_url(model, to + files[i].url.substr(from.size()));
    if (!valid) return valid.error().with_file(static_cast<std::uint32_t>(i));
    ++matched;
    unfinished = unfinished || files[i].stage < FileStage::finished;
  }
  if (matched == 0 || from == to) return matched;
  if (to.empty()) return Error(Errc::invalid_url, ErrorContext::queue, "replace_url_prefix: the new prefix is empty");
  model.commit(lock, job, UrlChanged{job.record.id, FileIndex{}, from, to, model.clock().wall_now()});
  if (unfinished) start_anew(lock, job);
  return matched;
}

Result<void> set_validation_state(JobCore& job, FileIndex file, bool valid) {
  Model& model = *job.model;
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "set_validation_state");
  if (!open) return open;
  const FileRecord& record = record_of(job, file);
  const auto index = static_cast<std::uint32_t>(file);
  if (record.stage < FileStage::finished) {
    return Error(Errc::file_not_transferred, ErrorContext::queue, public_url(record.url)).with_file(index);
  }
  if (valid) {
    model.commit(lock, job, FileValidated{job.record.id, file});
    return {};
  }
  if (record.stage == FileStage::committed) {
    return Error(Errc::invalid_state, ErrorContext::queue,
                 record.target + ": stands under its name already; delete it, and add it again")
        .with_file(index);
  }
  const Error why = Error(Errc::validation_failed, ErrorContext::remote_file, public_url(record.url)).with_file(index);
  model.restart_file(lock, job, file);
  job.distrusted.insert(index);
  model.move(lock, job, Stimulus::rejected, why);
  stop_task(job);
  model.wake(lock);
  return {};
}

Result<bool> validation_state(const JobCore& job, FileIndex file) {
  Model::Lock lock = job.model->lock();
  const FileRecord& record = job.record.files[static_cast<std::size_t>(file)];
  if (record.stage < FileStage::finished) {
    return Error(Errc::file_not_transferred, ErrorContext::queue, public_url(record.url))
        .with_file(static_cast<std::uint32_t>(file));
  }
  // To complete a job is to take its files for right (spec part 4.6, rule 6).
  const bool completed = record.stage == FileStage::committed || job.record.state == JobState::completed;
  return completed || (record.facts && record.facts->validated);
}

Result<void> request_ranges(JobCore& job, FileIndex file, const std::vector<ByteRange>& ranges) {
  Model& model = *job.model;
  const auto index = static_cast<std::uint32_t>(file);
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "request_ranges");
  if (!open) return open;
  Result<void> possible = check_random_access(job, file);
  if (!possible) return possible;
  for (ByteRange range : ranges) {
    Result<void> valid = check_range(record_of(job, file), range);
    if (!valid) return valid.error().with_file(index);
  }
  if (ranges.empty()) return {};
  const auto known = job.wishes.find(index);
  RangeSet wanted = known == job.wishes.end() ? RangeSet() : known->second.ranges;
  for (ByteRange range : ranges) wanted.add(range);
  if (wanted.count() > model.limits().ranges_per_file_max) {
    return Error(Errc::too_many_ranges, ErrorContext::queue,
                 std::to_string(wanted.count()) + " ranges, at most " +
                     std::to_string(model.limits().ranges_per_file_max))
        .with_file(index);
  }
  job.wishes[index].ranges = std::move(wanted);
  ++job.wishes_edition;
  model.wake(lock);
  return {};
}

Result<void> prioritize_from(JobCore& job, FileIndex file, std::uint64_t offset) {
  Model& model = *job.model;
  Model::Lock lock = model.lock();
  Result<void> open = check_open(lock, job, "prioritize_from");
  if (!open) return open;
  Result<void> possible = check_random_access(job, file);
  if (!possible) return possible;
  Result<void> valid = check_range(record_of(job, file), ByteRange{offset, ByteRange::to_end});
  if (!valid) return valid.error().with_file(static_cast<std::uint32_t>(file));
  job.wishes[static_cast<std::uint32_t>(file)].position = offset;
  ++job.wishes_edition;
  model.wake(lock);
  return {};
}

}  // namespace bgxfer::inline v0::detail
