#ifndef BGX_TEXT_HPP
#define BGX_TEXT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <bgxfer/job.hpp>

namespace bgx {

/// "12.3 MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "14 s", "3:07", "2:15:00".
[[nodiscard]] std::string time_text(std::chrono::seconds time);
/// "42 %", or "?" while the size is unknown.
[[nodiscard]] std::string percent_text(std::uint64_t part, std::optional<std::uint64_t> whole);

/// The name of a job for people: its own, or the name of its first file.
[[nodiscard]] std::string title_of(const bgxfer::Job& job);

/// What one of several connections of a file does: from where, how fast, and what it still has to bring.
[[nodiscard]] std::string connection_text(const bgxfer::FileConnection& connection);

/// Why a job does not move, in words; empty if it does, or does not want to.
[[nodiscard]] std::string waiting_text(const bgxfer::Job& job);

/// What may be shown of a field that a server sent: no cookie, challenge or token, and no query or user of a URL.
[[nodiscard]] std::string shown_value(const bgxfer::Header& field);

/// `text` with everything that is not UTF-8 replaced, and in one line: control characters become spaces.
[[nodiscard]] std::string printable(std::string_view text);
/// `text` with everything that is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// Columns that `text` takes on a terminal, as far as that can be said without tables: one for each character.
[[nodiscard]] std::size_t columns_of(std::string_view text);
/// `text` cut to `columns`, and filled up with spaces.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

}  // namespace bgx

#endif
