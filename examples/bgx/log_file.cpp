#include "log_file.hpp"

#include <chrono>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "arguments.hpp"

namespace bgx {

LogFile::LogFile(const std::filesystem::path& path) : file_(path, std::ios::app) {
  if (!file_) throw UsageError(fmt::format("--log {}: the file cannot be written", path.string()));
}

void LogFile::write(const bgxfer::LogEntry& entry) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto milliseconds = now.time_since_epoch().count() % 1000;
  file_ << fmt::format("{:%FT%T}.{:03}Z ", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds)
        << to_line(entry) << std::endl;
}

}  // namespace bgx
