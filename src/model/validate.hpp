#ifndef BGXFER_SRC_MODEL_VALIDATE_HPP
#define BGXFER_SRC_MODEL_VALIDATE_HPP

#include <span>

#include <bgxfer/options.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::detail {

/// Whether a job may have these options (its files aside): lengths, values, header syntax. The error names the
/// option, what is wrong with it and what would be right.
[[nodiscard]] Result<void> validate_options(const JobOptions& options, const Limits& limits);

/// Whether a file may be added, as far as the specification alone tells: ranges, lengths, a URL without control
/// characters, an absolute target. What only the transport or the storage knows, they are asked for.
[[nodiscard]] Result<void> validate_file(const FileSpec& file, const Limits& limits);

/// Whether a file may come from this URL, under the same reservation.
[[nodiscard]] Result<void> validate_url(const std::string& url, const Limits& limits);

/// Whether a job may change its options like this: files and type are fixed, and some options are fixed by the first
/// file or by the first resume (spec part 1.4).
[[nodiscard]] Result<void> validate_edit(const JobOptions& before, const JobOptions& after, bool has_files,
                                         bool resumed);

/// Whether a job of these options may have files with ranges (spec part 3.12).
[[nodiscard]] Result<void> validate_together(const JobOptions& options, bool has_ranges);

/// Cuts every time to `duration_max`. Who says `milliseconds::max()` means "never".
void cut_times(JobOptions& options);
void cut_times(Limits& limits);

/// Whether a queue may have these limits and this owner.
[[nodiscard]] Result<void> validate_limits(const QueueOptions& options);

/// Whether a queue can be built from these options.
[[nodiscard]] Result<void> validate_queue(const QueueOptions& options);

}  // namespace bgxfer::inline v0::detail

#endif
