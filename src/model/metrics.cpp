#include <bgxfer/metrics.hpp>

namespace bgxfer::inline v0 {

namespace {

constexpr std::string_view bytes = "bytes";
constexpr std::string_view things = "1";

struct FigureRow {
  std::string_view name;
  MetricValue::Kind kind;
  std::string_view unit;
  std::uint64_t Metrics::*figure;
};

constexpr auto counter = MetricValue::Kind::counter;
constexpr auto gauge = MetricValue::Kind::gauge;

constexpr FigureRow figure_rows[] = {
    {"bytes_received", counter, bytes, &Metrics::bytes_received},
    {"requests", counter, things, &Metrics::requests},
    {"responses_2xx", counter, things, &Metrics::responses_2xx},
    {"responses_3xx", counter, things, &Metrics::responses_3xx},
    {"responses_4xx", counter, things, &Metrics::responses_4xx},
    {"responses_5xx", counter, things, &Metrics::responses_5xx},
    {"requests_failed", counter, things, &Metrics::requests_failed},
    {"bodies_cut", counter, things, &Metrics::bodies_cut},
    {"jobs_added", counter, things, &Metrics::jobs_added},
    {"attempts_failed", counter, things, &Metrics::attempts_failed},
    {"jobs_transferred", counter, things, &Metrics::jobs_transferred},
    {"jobs_failed", counter, things, &Metrics::jobs_failed},
    {"jobs_completed", counter, things, &Metrics::jobs_completed},
    {"jobs_cancelled", counter, things, &Metrics::jobs_cancelled},
    {"files_finished", counter, things, &Metrics::files_finished},
    {"files_restarted", counter, things, &Metrics::files_restarted},
    {"checkpoints", counter, things, &Metrics::checkpoints},
    {"journal_bytes", counter, bytes, &Metrics::journal_bytes},
    {"journal_writes", counter, things, &Metrics::journal_writes},
    {"journal_syncs", counter, things, &Metrics::journal_syncs},
    {"journal_rewrites", counter, things, &Metrics::journal_rewrites},
    {"journal_size", gauge, bytes, &Metrics::journal_size},
    {"open_files", gauge, things, &Metrics::open_files},
    {"buffers_lent", gauge, things, &Metrics::buffers_lent},
    {"buffers_spare", gauge, things, &Metrics::buffers_spare},
};

constexpr std::array<std::string_view, 9> jobs_names = {
    "jobs_in_queued",          "jobs_in_connecting",  "jobs_in_transferring", "jobs_in_suspended", "jobs_in_error",
    "jobs_in_transient_error", "jobs_in_transferred", "jobs_in_completed",    "jobs_in_cancelled"};

/// A figure that is in the struct and not in the list would never be seen.
static_assert(sizeof(Metrics) == (std::size(figure_rows) + jobs_names.size()) * sizeof(std::uint64_t));

}  // namespace

std::vector<MetricValue> list(const Metrics& metrics) {
  std::vector<MetricValue> all;
  all.reserve(std::size(figure_rows) + jobs_names.size());
  for (const FigureRow& row : figure_rows)
    all.push_back(MetricValue{row.name, row.kind, row.unit, metrics.*row.figure});
  for (std::size_t i = 0; i < jobs_names.size(); ++i) {
    all.push_back(MetricValue{jobs_names[i], gauge, things, metrics.jobs[i]});
  }
  return all;
}

}  // namespace bgxfer::inline v0
