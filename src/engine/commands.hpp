#ifndef BGXFER_SRC_ENGINE_COMMANDS_HPP
#define BGXFER_SRC_ENGINE_COMMANDS_HPP

#include <functional>
#include <string_view>
#include <vector>

#include <bgxfer/options.hpp>
#include <bgxfer/result.hpp>

#include "model.hpp"

namespace bgxfer::inline v0::detail {

// The host's verbs (spec part 1.4). Each validates everything first, then applies, records and tells in one step under
// the model's lock, or refuses with the reason and nothing changed. Any thread; none waits for I/O but for
// looking at the folders that files are to go to.

[[nodiscard]] Result<Model::Core> add_job(Model& model, JobOptions options);
[[nodiscard]] Result<void> add_files(JobCore& job, std::vector<FileSpec> files);
[[nodiscard]] Result<void> resume(JobCore& job);
[[nodiscard]] Result<void> suspend(JobCore& job);
[[nodiscard]] Result<void> cancel(JobCore& job);
[[nodiscard]] Result<void> complete(JobCore& job);
/// The job's owner is the queue's from here on; what was a secret of the former one is gone (spec part 3.1).
[[nodiscard]] Result<void> take_ownership(JobCore& job);
[[nodiscard]] Result<void> set_notify_handler(JobCore& job, CoreHandler handler);
[[nodiscard]] Result<void> configure(JobCore& job, const std::function<void(JobOptions&)>& edit);

/// Whether commands are taken at all, and by this job still.
[[nodiscard]] Result<void> check_open(const Model::Lock& lock, const JobCore& job, std::string_view command);

}  // namespace bgxfer::inline v0::detail

#endif
