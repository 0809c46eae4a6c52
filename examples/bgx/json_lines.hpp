#ifndef BGX_JSON_LINES_HPP
#define BGX_JSON_LINES_HPP

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flight.hpp"
#include "reporter.hpp"

namespace bgx {

/// What happens, as JSON lines on stdout: one object a line, each with an `event`. The last is `done`.
class JsonLines final : public Reporter {
 public:
  void restored(const bgxfer::RestoreReport& report) override;
  void follow(const bgxfer::Job& job) override;
  void happened(const bgxfer::Event& event) override;
  void finished(const std::vector<bgxfer::Job>& jobs) override;

 private:
  void progress(const bgxfer::ProgressMade& made);

  std::unordered_map<bgxfer::JobId, Flight> flights_;
};

/// `text` as a JSON string, quotes included. What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string quoted(std::string_view text);
/// An object with everything about `job` that may be shown to whoever looks at the queue; `event` comes first.
[[nodiscard]] std::string job_json(std::string_view event, const bgxfer::Job& job);
/// The bytes that a start has to fetch again, file by file.
[[nodiscard]] std::string losses_json(const std::vector<bgxfer::BytesLost>& losses);
/// Writes one line to stdout, at once.
void print_line(const std::string& line);

}  // namespace bgx

#endif
