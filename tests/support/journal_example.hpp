#ifndef BGXFER_TESTS_SUPPORT_JOURNAL_EXAMPLE_HPP
#define BGXFER_TESTS_SUPPORT_JOURNAL_EXAMPLE_HPP

#include <string>
#include <vector>

#include "journal/record_codec.hpp"

namespace bgxfer_tests {

/// What the worked example of docs/journal_format.md says, in words of the model.
struct JournalExample {
  bgxfer::detail::FileHeader header;
  bgxfer::detail::Session session;
  std::vector<bgxfer::detail::Change> snapshot;  ///< In the file when it was put in place.
  std::vector<bgxfer::detail::Change> appended;  ///< Added later.
};

inline JournalExample journal_example() {
  using namespace bgxfer::detail;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const WallTime noon{seconds{1'704'110'400}};  // 2024-01-01T12:00:00Z
  const bgxfer::JobId job = bgxfer::JobId::from_random(0x0123456789abcdef, 0xfedcba9876543210);

  JournalExample example;
  for (std::size_t i = 0; i < example.header.file_id.size(); ++i)
    example.header.file_id[i] = static_cast<std::byte>(0xa0 + i);
  example.header.created_ms = 1'704'110'400'000;
  example.header.base_seq = 1;
  example.session = Session{"boot-1", example.header.file_id};

  bgxfer::JobOptions options;
  options.display_name = "game";
  example.snapshot.push_back(JobCreated{job, options, false, noon});
  FilesAdded added{job, {}, noon};
  bgxfer::FileSpec spec;
  spec.url = "https://cdn.example/a.pak";
  spec.target = "/games/a.pak";
  spec.size = 5000;
  added.files.push_back(spec);
  example.snapshot.push_back(added);
  example.snapshot.push_back(JobMoved{job, bgxfer::JobState::suspended, std::nullopt, 0, noon});

  FileProgressed progressed{job, bgxfer::FileIndex{0}, 0, true, {}};
  progressed.ranges.push_back({0, 4096});
  FileStarted started{job, bgxfer::FileIndex{0}, 0, {2049, 131}, 5000, 5000, "\"v1\"", std::nullopt};
  FileFinished finished{job, bgxfer::FileIndex{0}, 0, {2049, 131}, 5000, std::nullopt, false};
  example.appended = {started, progressed, finished};
  return example;
}

}  // namespace bgxfer_tests

#endif
