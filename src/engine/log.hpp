#ifndef BGXFER_SRC_ENGINE_LOG_HPP
#define BGXFER_SRC_ENGINE_LOG_HPP

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <bgxfer/log.hpp>

namespace bgxfer::inline v0::detail {

/// The host's log, as the engine uses it. What the host throws there is dropped: a log must not change what happens.
class Log {
 public:
  Log() = default;
  Log(std::function<void(const LogEntry&)> write, LogLevel least) : least_(least) {
    if (write) write_ = std::make_shared<const std::function<void(const LogEntry&)>>(std::move(write));
  }

  /// Whether anybody would read it: asked before a text is put together.
  [[nodiscard]] bool wants(LogEvent event) const noexcept { return write_ && level_of(event) >= least_; }

  /// Any thread, with no lock held.
  void say(LogEntry entry) const noexcept;
  void say(LogEvent event, std::string text, std::optional<JobId> job = std::nullopt,
           std::optional<FileIndex> file = std::nullopt) const noexcept;

 private:
  std::shared_ptr<const std::function<void(const LogEntry&)>> write_;  // Copied where there is no room for failure.
  LogLevel least_ = LogLevel::info;
};

/// The entry of an event, with its level, and on one line.
[[nodiscard]] LogEntry make_entry(LogEvent event, std::string text, std::optional<JobId> job = std::nullopt,
                                  std::optional<FileIndex> file = std::nullopt);

}  // namespace bgxfer::inline v0::detail

#endif
