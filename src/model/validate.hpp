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

/// Whether a queue can be built from these options.
[[nodiscard]] Result<void> validate_queue(const QueueOptions& options);

}  // namespace bgxfer::inline v0::detail

#endif
