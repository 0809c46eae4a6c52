#ifndef BGXFER_FORMAT_HPP
#define BGXFER_FORMAT_HPP

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/state.hpp>

/// fmt formatters for public values. Opt-in: nothing else of bgxfer includes fmt.

template <>
struct fmt::formatter<bgxfer::JobId> : fmt::formatter<std::string> {
  auto format(const bgxfer::JobId& id, fmt::format_context& context) const {
    return fmt::formatter<std::string>::format(id.to_string(), context);
  }
};

template <>
struct fmt::formatter<bgxfer::Error> : fmt::formatter<std::string> {
  auto format(const bgxfer::Error& error, fmt::format_context& context) const {
    return fmt::formatter<std::string>::format(error.message(), context);
  }
};

template <>
struct fmt::formatter<bgxfer::JobState> : fmt::formatter<fmt::string_view> {
  auto format(bgxfer::JobState state, fmt::format_context& context) const {
    const std::string_view name = to_string(state);
    return fmt::formatter<fmt::string_view>::format({name.data(), name.size()}, context);
  }
};

template <>
struct fmt::formatter<bgxfer::Priority> : fmt::formatter<fmt::string_view> {
  auto format(bgxfer::Priority priority, fmt::format_context& context) const {
    const std::string_view name = to_string(priority);
    return fmt::formatter<fmt::string_view>::format({name.data(), name.size()}, context);
  }
};

template <>
struct fmt::formatter<bgxfer::WaitReason> : fmt::formatter<fmt::string_view> {
  auto format(bgxfer::WaitReason reason, fmt::format_context& context) const {
    const std::string_view name = to_string(reason);
    return fmt::formatter<fmt::string_view>::format({name.data(), name.size()}, context);
  }
};

template <>
struct fmt::formatter<bgxfer::ByteRange> : fmt::formatter<std::string> {
  auto format(bgxfer::ByteRange range, fmt::format_context& context) const {
    std::string text = std::to_string(range.offset) + "-";
    if (range.length != bgxfer::ByteRange::to_end && !range.empty()) text += std::to_string(range.end() - 1);
    return fmt::formatter<std::string>::format(text, context);
  }
};

/// "12.3 of 200.0 MiB, 34.1 MiB/s, 5 s left": as much of it as is known.
template <>
struct fmt::formatter<bgxfer::Progress> : fmt::formatter<std::string> {
  auto format(const bgxfer::Progress& progress, fmt::format_context& context) const {
    const auto mebibytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    std::string text = fmt::format("{:.1f}", mebibytes(progress.bytes_transferred));
    if (progress.bytes_total) text += fmt::format(" of {:.1f}", mebibytes(*progress.bytes_total));
    text += " MiB";
    if (progress.bytes_per_second) text += fmt::format(", {:.1f} MiB/s", mebibytes(progress.bytes_per_second));
    if (progress.time_left) text += fmt::format(", {} s left", progress.time_left->count());
    return fmt::formatter<std::string>::format(text, context);
  }
};

#endif
