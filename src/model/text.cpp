#include <array>
#include <cstddef>

#include <bgxfer/options.hpp>
#include <bgxfer/state.hpp>

namespace bgxfer::inline v0 {

namespace {

constexpr std::array<std::string_view, 9> state_names = {"queued",      "connecting", "transferring",
                                                         "suspended",   "error",      "transient_error",
                                                         "transferred", "completed",  "cancelled"};
constexpr std::array<std::string_view, 4> priority_names = {"foreground", "high", "normal", "low"};
constexpr std::array<std::string_view, 8> reason_names = {"none",    "turn",       "retry",   "server",
                                                          "network", "disk_space", "journal", "cost"};
constexpr std::array<std::string_view, 8> cost_names = {
    "unrestricted",    "capped_usage_unknown", "below_cap",   "near_cap",
    "overcap_charged", "overcap_throttled",    "usage_based", "roaming"};

struct NamedPolicy {
  std::string_view name;
  TransferPolicy policy;
};
constexpr NamedPolicy named_policies[] = {{"always", TransferPolicy::always},
                                          {"not_roaming", TransferPolicy::not_roaming},
                                          {"no_surcharge", TransferPolicy::no_surcharge},
                                          {"standard", TransferPolicy::standard},
                                          {"unrestricted", TransferPolicy::unrestricted}};

template <std::size_t n>
std::string_view name_of(const std::array<std::string_view, n>& names, std::size_t value) noexcept {
  return value < n ? names[value] : std::string_view("unknown");
}

}  // namespace

std::string_view to_string(JobState state) noexcept { return name_of(state_names, static_cast<std::size_t>(state)); }

std::string_view to_string(Priority priority) noexcept {
  return name_of(priority_names, static_cast<std::size_t>(priority));
}

std::string_view to_string(WaitReason reason) noexcept {
  return name_of(reason_names, static_cast<std::size_t>(reason));
}

std::string_view to_string(CostState state) noexcept {
  for (std::size_t i = 0; i < cost_names.size(); ++i) {
    if (static_cast<std::uint32_t>(state) == std::uint32_t{1} << i) return cost_names[i];
  }
  return "unknown";
}

std::string_view to_string(TransferPolicy policy) noexcept {
  for (const NamedPolicy& known : named_policies) {
    if (known.policy == policy) return known.name;
  }
  return "custom";
}

std::optional<TransferPolicy> parse_transfer_policy(std::string_view name) noexcept {
  for (const NamedPolicy& known : named_policies) {
    if (known.name == name) return known.policy;
  }
  return std::nullopt;
}

std::optional<Priority> parse_priority(std::string_view name) noexcept {
  for (std::size_t i = 0; i < priority_names.size(); ++i) {
    if (priority_names[i] == name) return static_cast<Priority>(i);
  }
  return std::nullopt;
}

Limits Limits::bits() noexcept {
  Limits limits;
  limits.jobs_max = 300;
  limits.jobs_per_owner_max = 60;
  limits.files_per_job_max = 200;
  limits.ranges_per_file_max = 500;
  limits.display_name_bytes_max = 256;
  limits.description_bytes_max = 1024;
  limits.url_bytes_max = 2200;
  limits.url_segment_bytes_max = 260;
  limits.target_bytes_max = 260;
  limits.header_bytes_max = 16'384;
  limits.command_program_bytes_max = 260;
  limits.command_arguments_bytes_max = 4'000;
  limits.inactivity_timeout = std::chrono::hours{90 * 24};
  limits.maximum_download_time = std::chrono::seconds{7'776'000};
  limits.notifications_max = 4;
  limits.foreground_jobs_max = limits.jobs_max;
  limits.background_jobs_max = 1;
  limits.background_beside_foreground = true;
  limits.time_slice = std::chrono::seconds{300};
  limits.retry_delay_floor = std::chrono::seconds{5};
  return limits;
}

JobOptions JobOptions::bits() {
  JobOptions options;
  options.retry_delay_min = std::chrono::seconds{600};
  options.retry_delay_max = std::chrono::seconds{600};
  options.no_progress_timeout = std::chrono::seconds{1'209'600};
  return options;
}

}  // namespace bgxfer::inline v0
