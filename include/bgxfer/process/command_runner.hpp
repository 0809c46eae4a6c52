#ifndef BGXFER_PROCESS_COMMAND_RUNNER_HPP
#define BGXFER_PROCESS_COMMAND_RUNNER_HPP

#include <chrono>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/notify.hpp>

namespace bgxfer::inline v0::process {

struct CommandRunnerOptions {
  /// A program that runs for longer is killed, and counts as failed.
  std::chrono::milliseconds time_max{600'000};
};

/// Runs notify commands as child processes (spec part 3.4), for `QueueOptions::run_command`. Handing it in is the leave
/// to run whatever program a job, or a journal, names.
///
/// The program is started directly, with `posix_spawn`: no shell, no search path, no expansion. It gets the environment
/// of the process, and in it `BGXFER_JOB` (the job's id) and `BGXFER_EVENT` (`transferred` or `error`); its standard
/// input is empty. A program that a signal ended has failed.
///
/// `executor` is that of an `io_context`; children are looked after by timers on it, so they are not noticed to have
/// ended while nobody runs it. The host leaves its children alone: a `waitpid` for any child, or SIGCHLD ignored, takes
/// away what this waits for, and such commands count as failed.
[[nodiscard]] BGXFER_API CommandRunner make_command_runner(asio::any_io_executor executor,
                                                           CommandRunnerOptions options = {});

}  // namespace bgxfer::inline v0::process

#endif
