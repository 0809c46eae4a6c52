#include "job_record.hpp"

#include <algorithm>

#include "../base/hex.hpp"

namespace bgxfer::inline v0::detail {

std::string temporary_name(const JobId& job, FileIndex file) {
  std::string name;
  name.reserve(64);
  name += ".bgx-";
  for (std::uint8_t byte : job.bytes()) append_hex(name, byte);
  name += '-';
  name += std::to_string(static_cast<std::uint32_t>(file));
  name += ".part";
  return name;
}

std::vector<ByteRange> FileRecord::parts() const {
  if (!facts || facts->placed_at.empty()) return {ByteRange{0, size}};
  std::vector<ByteRange> parts;
  for (std::size_t i = 0; i < facts->ranges.size(); ++i) {
    const std::uint64_t begin = facts->placed_at[i];
    const std::uint64_t length = facts->ranges[i].length;
    parts.push_back(ByteRange::between(begin, std::min(ByteRange{begin, length}.end(), size)));
  }
  return parts;
}

std::uint64_t FileRecord::wanted() const {
  if (!facts || facts->placed_at.empty() || size == size_unknown) return size;
  std::uint64_t sum = 0;
  for (ByteRange part : parts()) sum += part.length;
  return sum;
}

std::optional<FileIndex> unfinished_file(const JobRecord& job) {
  const auto found = std::find_if(job.files.begin(), job.files.end(),
                                  [](const FileRecord& file) { return file.stage == FileStage::started; });
  if (found == job.files.end()) return std::nullopt;
  return static_cast<FileIndex>(found - job.files.begin());
}

Error lost_in_commit(const JobRecord& job) {
  return Error(std::make_error_code(std::errc::io_error), ErrorContext::local_file,
               job.options.display_name + ": bytes of a file that was complete were lost before the disk had them; " +
                   "resume the job and complete it then");
}

FilePlace place_of(const JobRecord& job, FileIndex file) {
  FilePlace place(job.files[static_cast<std::size_t>(file)].target, temporary_name(job.id, file));
  const IdentityOptions& identity = job.options.identity;
  if (has(identity.usage, IdentityUsage::local_files) && identity.helper && identity.helper->user) {
    place.user = std::make_shared<const PosixUser>(*identity.helper->user);
  }
  return place;
}

bool lacks_identity(const JobRecord& job) {
  return job.options.identity.usage != IdentityUsage::none && !job.options.identity.helper;
}

JobTotals count_totals(const JobRecord& job) {
  JobTotals totals;
  for (const FileRecord& file : job.files) {
    totals.bytes_transferred += file.bytes();
    if (file.size == size_unknown) {
      ++totals.sizes_unknown;
    } else {
      totals.bytes_known += file.wanted();
    }
    if (file.stage >= FileStage::finished) ++totals.files_finished;
  }
  return totals;
}

Progress progress_of(const JobRecord& job) {
  Progress progress;
  progress.bytes_transferred = job.totals.bytes_transferred;
  if (job.totals.sizes_unknown == 0) progress.bytes_total = job.totals.bytes_known;
  progress.files_transferred = job.totals.files_finished;
  progress.files_total = static_cast<std::uint32_t>(job.files.size());
  return progress;
}

}  // namespace bgxfer::inline v0::detail
