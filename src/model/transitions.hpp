#ifndef BGXFER_SRC_MODEL_TRANSITIONS_HPP
#define BGXFER_SRC_MODEL_TRANSITIONS_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <bgxfer/state.hpp>

namespace bgxfer::inline v0::detail {

/// Everything that can make a job change its state.
enum class Stimulus : std::uint8_t {
  resume,           ///< The host's command, for a job with something left to fetch.
  resume_empty,     ///< The same, for a job without files.
  resume_finished,  ///< The same, for a job whose files have all arrived.
  suspend,
  cancel,
  complete,
  selected,   ///< The scheduler gave the job its turn.
  connected,  ///< A response has begun.
  connect_failed,
  preempted,  ///< The slice ended, or a more urgent job wants to run.
  file_finished,
  all_finished,
  failed_for_now,
  failed_for_good,
  retry_due,
  no_progress,  ///< The no-progress timeout passed.
  network_lost,
  network_back,
  owner_left,
  inactive,  ///< The inactivity timeout passed.
  too_long,  ///< The maximum download time passed.
  rejected,  ///< The host found a file from its origin to be wrong.
  rejected_from_peer,
  identity_missing,
  blocked,  ///< A policy, the journal or a full disk forbids running.
  unblocked,
  requested_ranges_done,
  resource_changed,
  custom_method_failed,
  reconfigured,  ///< A running job must start anew under changed options.
  reloaded,      ///< The queue was opened again.
};

/// One row of the table: `stimulus` takes a job from any state in `from` to `to`, or leaves it where it is.
struct Transition {
  std::string_view row;  ///< The row of spec part 1.3, such as "T7".
  std::uint16_t from;    ///< One bit per `JobState`.
  Stimulus stimulus;
  std::optional<JobState> to;  ///< Empty: the state stays.
};

/// The whole table, in the order of the rows. docs/concepts.md shows the same, and a test compares them.
[[nodiscard]] std::span<const Transition> transitions() noexcept;

/// The one place where states change: the state that `stimulus` leads to, or nothing if it is not allowed there.
[[nodiscard]] std::optional<JobState> next_state(JobState from, Stimulus stimulus) noexcept;

/// The name of the enumerator.
[[nodiscard]] std::string_view to_string(Stimulus stimulus) noexcept;

}  // namespace bgxfer::inline v0::detail

#endif
