#ifndef BGX_LOG_FILE_HPP
#define BGX_LOG_FILE_HPP

#include <filesystem>
#include <fstream>
#include <mutex>

#include <bgxfer/log.hpp>

namespace bgx {

/// A file that gets a line for each entry, with the time in front. Any thread.
class LogFile {
 public:
  /// Throws `UsageError` if the file cannot be opened.
  explicit LogFile(const std::filesystem::path& path);

  void write(const bgxfer::LogEntry& entry);

 private:
  std::mutex mutex_;
  std::ofstream file_;
};

}  // namespace bgx

#endif
