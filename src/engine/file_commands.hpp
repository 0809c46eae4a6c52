#ifndef BGXFER_SRC_ENGINE_FILE_COMMANDS_HPP
#define BGXFER_SRC_ENGINE_FILE_COMMANDS_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/result.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

// The host's verbs for files (spec parts 4.8 and 4.9), under the same rules as those for jobs (commands.hpp).

/// The file comes from another URL from here on.
[[nodiscard]] Result<void> set_url(JobCore& job, FileIndex file, std::string url);
/// The same for every file whose URL begins with `from`, which `to` replaces. Returns how many there are.
[[nodiscard]] Result<std::size_t> replace_url_prefix(JobCore& job, const std::string& from, const std::string& to);

/// The host's word about a file that has arrived. False: it is fetched again, and the job goes to `error`.
[[nodiscard]] Result<void> set_validation_state(JobCore& job, FileIndex file, bool valid);
[[nodiscard]] Result<bool> validation_state(const JobCore& job, FileIndex file);

/// These bytes come before all others; in on-demand jobs no others come.
[[nodiscard]] Result<void> request_ranges(JobCore& job, FileIndex file, const std::vector<ByteRange>& ranges);
/// What is missing from `offset` on comes before what is missing ahead of it.
[[nodiscard]] Result<void> prioritize_from(JobCore& job, FileIndex file, std::uint64_t offset);

}  // namespace bgxfer::inline v0::detail

#endif
