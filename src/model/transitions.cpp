#include "transitions.hpp"

#include <array>
#include <initializer_list>

namespace bgxfer::inline v0::detail {

namespace {

using enum JobState;

constexpr std::uint16_t any_of(std::initializer_list<JobState> states) {
  std::uint16_t bits = 0;
  for (JobState state : states) bits = static_cast<std::uint16_t>(bits | 1u << static_cast<unsigned>(state));
  return bits;
}

constexpr std::uint16_t running = any_of({connecting, transferring});
constexpr std::uint16_t action = any_of({queued, connecting, transferring, transient_error});
constexpr std::uint16_t not_final =
    any_of({queued, connecting, transferring, suspended, error, transient_error, transferred});

constexpr Transition table[] = {
    // T1 makes the job: it starts suspended.
    {"T2", any_of({suspended}), Stimulus::resume, queued},
    {"T3", any_of({suspended}), Stimulus::resume_empty, std::nullopt},
    {"T4", any_of({queued}), Stimulus::selected, connecting},
    {"T5", running, Stimulus::connected, transferring},
    {"T6", any_of({connecting}), Stimulus::connect_failed, transient_error},
    {"T7", running, Stimulus::preempted, queued},
    {"T8", any_of({transferring}), Stimulus::file_finished, std::nullopt},
    {"T9", any_of({transferring}), Stimulus::all_finished, transferred},
    {"T10", running, Stimulus::failed_for_now, transient_error},
    {"T11", running, Stimulus::failed_for_good, error},
    {"T12", any_of({transient_error}), Stimulus::retry_due, queued},
    {"T13", any_of({transient_error}), Stimulus::no_progress, error},
    {"T14", any_of({transient_error}), Stimulus::resume, queued},
    {"T15", any_of({error}), Stimulus::resume, queued},
    {"T16", any_of({queued, connecting, transferring}), Stimulus::network_lost, transient_error},
    {"T17", any_of({transient_error}), Stimulus::network_back, queued},
    {"T18", running, Stimulus::owner_left, queued},
    {"T19", any_of({queued, connecting, transferring, suspended, transient_error}), Stimulus::suspend, suspended},
    {"T19", any_of({error, transferred}), Stimulus::suspend, std::nullopt},
    {"T20", any_of({queued, connecting, transferring}), Stimulus::resume, std::nullopt},
    {"T21", any_of({transferred}), Stimulus::resume, queued},
    {"T21", any_of({transferred}), Stimulus::resume_finished, std::nullopt},
    {"T22", not_final, Stimulus::complete, completed},
    // T23 is the same for uploads.
    {"T24", not_final, Stimulus::cancel, cancelled},
    {"T25", not_final, Stimulus::inactive, cancelled},
    {"T26", running, Stimulus::too_long, error},
    {"T27", not_final, Stimulus::rejected, error},
    {"T28", any_of({queued, connecting, transferring, transferred}), Stimulus::rejected_from_peer, queued},
    {"T29", action, Stimulus::identity_missing, error},
    {"T30", action, Stimulus::blocked, transient_error},
    {"T30", any_of({transient_error}), Stimulus::unblocked, queued},
    {"T31", any_of({transferring}), Stimulus::requested_ranges_done, suspended},
    {"T32", running, Stimulus::resource_changed, std::nullopt},
    {"T33", running, Stimulus::custom_method_failed, error},
    {"T34", any_of({queued, connecting, transferring}), Stimulus::reconfigured, queued},
    {"T35", any_of({queued, connecting, transferring}), Stimulus::reloaded, queued},
    {"T35", any_of({suspended, error, transient_error, transferred}), Stimulus::reloaded, std::nullopt},
    // A job whose files have all arrived by the time it is resumed has its turn like any other.
    {"T2", any_of({suspended}), Stimulus::resume_finished, queued},
    {"T14", any_of({transient_error}), Stimulus::resume_finished, queued},
    {"T15", any_of({error}), Stimulus::resume_finished, queued},
    {"T20", any_of({queued, connecting, transferring}), Stimulus::resume_finished, std::nullopt},
};

// clang-format off
constexpr std::array<std::string_view, 31> stimulus_names = {
    "resume",         "resume_empty",    "resume_finished", "suspend",
    "cancel",         "complete",        "selected",        "connected",
    "connect_failed", "preempted",       "file_finished",   "all_finished",
    "failed_for_now", "failed_for_good", "retry_due",       "no_progress",
    "network_lost",   "network_back",    "owner_left",      "inactive",
    "too_long",       "rejected",        "rejected_from_peer", "identity_missing",
    "blocked",        "unblocked",       "requested_ranges_done", "resource_changed",
    "custom_method_failed", "reconfigured", "reloaded"};
// clang-format on

}  // namespace

std::span<const Transition> transitions() noexcept { return table; }

std::optional<JobState> next_state(JobState from, Stimulus stimulus) noexcept {
  const unsigned bit = 1u << static_cast<unsigned>(from);
  for (const Transition& row : table) {
    if (row.stimulus == stimulus && (row.from & bit) != 0) return row.to.value_or(from);
  }
  return std::nullopt;
}

std::string_view to_string(Stimulus stimulus) noexcept { return stimulus_names[static_cast<std::size_t>(stimulus)]; }

}  // namespace bgxfer::inline v0::detail
