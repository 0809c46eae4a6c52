#ifndef BGX_JOB_LIST_HPP
#define BGX_JOB_LIST_HPP

#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/job.hpp>
#include <bgxfer/transfer_queue.hpp>

namespace bgx {

/// The job whose id is, or begins with, `text`. Throws `UsageError` if it names no job, or several.
[[nodiscard]] bgxfer::Job find_job(const bgxfer::TransferQueue& queue, const std::string& text);

/// The length to which the ids of `jobs` can be shortened and still differ; at least 8.
[[nodiscard]] std::size_t short_id_length(const std::vector<bgxfer::Job>& jobs);

/// The state of a job, for whoever only looks: as long as nobody fetches, a job that would run waits for its turn.
[[nodiscard]] bgxfer::JobState resting_state(const bgxfer::Job& job);

}  // namespace bgx

#endif
