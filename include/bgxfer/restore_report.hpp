#ifndef BGXFER_RESTORE_REPORT_HPP
#define BGXFER_RESTORE_REPORT_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <bgxfer/ids.hpp>

namespace bgxfer::inline v0 {

/// Bytes of one file that had arrived before the queue was closed or died, and have to be fetched again.
struct BytesLost {
  JobId job{};
  FileIndex file{};
  std::uint64_t bytes = 0;
  std::string why{};  ///< For people, such as "the temporary file is missing".
};

/// What opening the journal found.
struct RestoreReport {
  std::size_t jobs_restored = 0;
  std::uint64_t bytes_to_fetch_again = 0;  ///< Sum over `lost`.
  std::vector<BytesLost> lost{};
  /// Bytes at the journal's end that the last run did not finish writing. Normal after a crash; nothing that
  /// was acknowledged is in them.
  std::size_t torn_bytes = 0;
  /// Records that could not be read although valid ones follow: the file was damaged. Normally 0.
  std::size_t records_lost = 0;
  /// Where the damaged journal was kept; empty if there was no damage.
  std::filesystem::path damaged_copy{};
};

}  // namespace bgxfer::inline v0

#endif
