#include "json_lines.hpp"

#include <cstdio>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "failure.hpp"
#include "job_list.hpp"
#include "text.hpp"

namespace bgx {

namespace {

std::string number_or_null(std::optional<std::uint64_t> number) { return number ? fmt::to_string(*number) : "null"; }

std::string text_of(std::string_view text) { return quoted(text); }

std::string error_json(const bgxfer::Error& error) {
  std::string json =
      fmt::format("{{\"code\":{},\"category\":{},\"context\":{},\"message\":{},\"cure\":{}", error.code().value(),
                  text_of(error.code().category().name()), text_of(to_string(error.context())),
                  text_of(error.message()), text_of(cure_of(error)));
  if (error.file()) json += fmt::format(",\"file\":{}", *error.file());
  return json + "}";
}

std::string waiting_json(const bgxfer::Waiting& waiting) {
  std::string json = fmt::format("{{\"reason\":{}", text_of(to_string(waiting.reason)));
  if (waiting.next_attempt_in) {
    json += fmt::format(",\"next_attempt_in\":{:.3f}", static_cast<double>(waiting.next_attempt_in->count()) / 1000);
  }
  return json + "}";
}

/// What is at work on a file; nothing where it has one connection.
std::string connections_json(const bgxfer::File& file) {
  std::string json;
  for (const bgxfer::FileConnection& one : file.connections()) {
    json += json.empty() ? ",\"connections\":[" : ",";
    fmt::format_to(
        std::back_inserter(json),
        "{{\"url\":{},\"from\":{},\"bytes_left\":{},\"bytes_received\":{},\"bytes_per_second\":{},\"relieved\":{}}}",
        text_of(bgxfer::public_url(one.url)), one.rest.offset, one.rest.length, one.bytes_received,
        one.bytes_per_second, one.relieved);
  }
  return json.empty() ? json : json + ']';
}

/// Files whose answers are told. A job of more is a patch or a mirror, of which nobody reads a million fields.
constexpr std::size_t files_with_headers_max = 100;

/// Who reads: whoever gave the URLs, or whoever may look at the queue.
enum class Reader { fetcher, onlooker };

/// What the server said of a file, as far as it may be shown; nothing where nothing is known.
std::string headers_json(const bgxfer::File& file) {
  std::string json;
  for (const bgxfer::Header& field : file.response_headers()) {
    json += json.empty() ? ",\"response_headers\":[" : ",";
    json += fmt::format("{{\"name\":{},\"value\":{}}}", text_of(field.name), text_of(shown_value(field)));
  }
  return json.empty() ? json : json + ']';
}

/// What every list of jobs says of a file, but the last brace.
void append_file(std::string& json, const bgxfer::File& file, const std::optional<bgxfer::Error>& error,
                 Reader reader) {
  const bgxfer::FileProgress progress = file.progress();
  const std::string own = file.own_url();
  const std::string url = file.url();
  fmt::format_to(std::back_inserter(json), "{{\"url\":{},\"path\":{},\"bytes\":{},\"bytes_total\":{},\"done\":{}",
                 text_of(reader == Reader::fetcher ? own : bgxfer::public_url(own)), text_of(file.target().string()),
                 progress.bytes_transferred, number_or_null(progress.bytes_total), progress.completed);
  if (url != own) json += ",\"leads_to\":" + text_of(bgxfer::public_url(url));
  if (const bgxfer::Result<bool> right = file.validation_state()) json += fmt::format(",\"validated\":{}", *right);
  if (!progress.completed) json += ",\"temporary\":" + text_of(file.temporary().string());
  if (error && error->file() == static_cast<std::uint32_t>(file.index())) json += ",\"error\":" + error_json(*error);
}

/// Everything about a job but the braces.
std::string job_fields(const bgxfer::Job& job, Reader reader) {
  const bgxfer::JobOptions options = job.options();
  const bgxfer::Progress progress = job.progress();
  const bgxfer::JobState state = resting_state(job);
  // Bytes that moved on their own again, or the host's wish, make an old failure history.
  std::optional<bgxfer::Error> error = job.error();
  if (is_final(state) || state == bgxfer::JobState::transferred) error.reset();

  std::string json = fmt::format(
      "\"id\":{},\"name\":{},\"state\":{},\"priority\":{},\"bytes_received\":{},\"bytes_transferred\":{},\"bytes_"
      "total\":{},"
      "\"files_transferred\":{},\"files_total\":{}",
      text_of(job.id().to_string()), text_of(options.display_name), text_of(to_string(state)),
      text_of(to_string(options.priority)), job.bytes_received(), progress.bytes_transferred,
      number_or_null(progress.bytes_total), progress.files_transferred, progress.files_total);
  const bgxfer::Waiting waiting = job.waiting();
  if (waiting.reason != bgxfer::WaitReason::none) json += ",\"waiting\":" + waiting_json(waiting);
  if (error) json += ",\"error\":" + error_json(*error);
  json += ",\"files\":[";
  bool first = true;
  const std::vector<bgxfer::File> files = job.files();
  for (const bgxfer::File& file : files) {
    if (!std::exchange(first, false)) json += ',';
    append_file(json, file, error, reader);
    if (files.size() <= files_with_headers_max) json += headers_json(file);
    json += '}';
  }
  return json + "]";
}

/// One line for each kind of event that is worth one.
struct Teller {
  void operator()(const bgxfer::StateChanged& change) const {
    print_line(fmt::format("{{\"event\":\"state\",\"job\":{},\"from\":{},\"to\":{}}}", text_of(change.job.to_string()),
                           text_of(to_string(change.from)), text_of(to_string(change.to))));
  }
  void operator()(const bgxfer::AttemptFailed& failed) const {
    print_line(fmt::format("{{\"event\":\"attempt_failed\",\"job\":{},\"error\":{},\"waiting\":{}}}",
                           text_of(failed.job.to_string()), error_json(failed.error), waiting_json(failed.waiting)));
  }
  void operator()(const bgxfer::FileTransferred& arrived) const {
    print_line(fmt::format("{{\"event\":\"file\",\"job\":{},\"file\":{}}}", text_of(arrived.job.to_string()),
                           static_cast<std::uint32_t>(arrived.file)));
  }
  void operator()(const bgxfer::JobFailed& failed) const {
    print_line(fmt::format("{{\"event\":\"failed\",\"job\":{},\"error\":{}}}", text_of(failed.job.to_string()),
                           error_json(failed.error)));
  }
  template <class Other>
  void operator()(const Other& /*event*/) const {}
};

}  // namespace

std::string losses_json(const std::vector<bgxfer::BytesLost>& losses) {
  std::string json = "[";
  for (const bgxfer::BytesLost& lost : losses) {
    if (json.size() > 1) json += ',';
    json += fmt::format("{{\"job\":{},\"file\":{},\"bytes\":{},\"why\":{}}}", text_of(lost.job.to_string()),
                        static_cast<std::uint32_t>(lost.file), lost.bytes, text_of(lost.why));
  }
  return json + "]";
}

void JsonLines::restored(const bgxfer::RestoreReport& report) {
  print_line(fmt::format(
      "{{\"event\":\"restored\",\"jobs\":{},\"bytes_to_fetch_again\":{},\"torn_bytes\":{},\"records_lost\":{},"
      "\"files\":{}}}",
      report.jobs_restored, report.bytes_to_fetch_again, report.torn_bytes, report.records_lost,
      losses_json(report.lost)));
}

void JsonLines::follow(const bgxfer::Job& job) {
  flights_.emplace(job.id(), Flight(job));
  print_line(job_json("job", job));
}

void JsonLines::happened(const bgxfer::Event& event) {
  if (const auto* made = std::get_if<bgxfer::ProgressMade>(&event)) return progress(*made);
  std::visit(Teller(), event);
}

void JsonLines::finished(const std::vector<bgxfer::Job>& jobs) {
  std::string json = "{\"event\":\"done\",\"jobs\":[";
  bool first = true;
  for (const bgxfer::Job& job : jobs) {
    if (!std::exchange(first, false)) json += ',';
    json += '{';
    json += job_fields(job, Reader::fetcher);
    json += '}';
  }
  print_line(json + "]}");
}

void JsonLines::progress(const bgxfer::ProgressMade& made) {
  const auto found = flights_.find(made.job);
  if (found == flights_.end()) return;
  Flight& flight = found->second;
  const bgxfer::Progress& progress = made.progress;
  std::string json = fmt::format(
      "{{\"event\":\"progress\",\"job\":{},\"bytes_received\":{},\"bytes_transferred\":{},\"bytes_total\":{},"
      "\"files_transferred\":{},\"files_total\":{},\"bytes_per_second\":{},\"files\":[",
      text_of(made.job.to_string()), flight.job().bytes_received(), progress.bytes_transferred,
      number_or_null(progress.bytes_total), progress.files_transferred, progress.files_total,
      progress.bytes_per_second);
  bool first = true;
  for (const Flight::Moving& moving : flight.moving()) {
    if (!std::exchange(first, false)) json += ',';
    fmt::format_to(std::back_inserter(json), "{{\"file\":{},\"bytes\":{},\"bytes_total\":{}{}}}",
                   static_cast<std::uint32_t>(moving.file.index()), moving.progress.bytes_transferred,
                   number_or_null(moving.progress.bytes_total), connections_json(moving.file));
  }
  print_line(json + "]}");
}

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : valid_utf8(text)) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string job_json(std::string_view event, const bgxfer::Job& job) {
  return fmt::format("{{\"event\":{},{}}}", quoted(event), job_fields(job, Reader::onlooker));
}

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace bgx
