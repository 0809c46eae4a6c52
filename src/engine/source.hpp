#ifndef BGXFER_SRC_ENGINE_SOURCE_HPP
#define BGXFER_SRC_ENGINE_SOURCE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/range_set.hpp>

#include "host_book.hpp"

namespace bgxfer::inline v0::detail {

/// One place that has the file: its URL or a mirror, with what this turn has learned of it. Plain data.
struct Source {
  explicit Source(std::string where) : url(std::move(where)), origin(origin_of(url)) {}

  std::string url;
  std::string origin;       ///< What it shares its connections with.
  std::string validator{};  ///< Of the resource as it is there. Empty: none, or not known yet.
  bool proven = false;      ///< What it has is known to be what is on disk.

  // How it wants to be asked.
  bool conditional = true;                        ///< With the validator as a condition.
  std::uint64_t overlap_max = ByteRange::to_end;  ///< Less than `Limits::overlap_bytes` where it sends too little.
  std::uint32_t refused = 0;                      ///< Responses with bytes that nobody asked for.
  bool narrow = false;                            ///< It forbids wide ranges.
  bool only_alone = false;  ///< It sends everything, whatever is asked for: others leave it nothing to bring.

  // How well it does.
  std::optional<Error> failure{};          ///< Why it is not asked again in this turn, while others are.
  std::size_t connections = 0;             ///< That are at work now.
  std::size_t connections_max = SIZE_MAX;  ///< That it takes, as far as it has shown.
  std::uint32_t stumbles = 0;              ///< Connections that broke off since one was done with its share.
  double bytes_per_second = 0;             ///< Of one connection, in this turn or of an earlier file; 0: not known.
  bool failed_lately = false;              ///< Its origin had when this turn began, and it has not answered since.
  RangeSet brought{};                      ///< Bytes that are on disk because of it; kept where there are mirrors.
  std::uint32_t pieces_wrong = 0;          ///< That it brought alone; counted where there are mirrors.
};

/// A source is known to be faster than another one only if it is so by this much.
inline constexpr double faster_by = 1.25;

/// Whether one more connection should rather be to `later` than to `earlier`, which comes before it in the host's
/// order: it has fewer, or as many and has not failed lately, or is known to be faster.
[[nodiscard]] inline bool goes_before(const Source& later, const Source& earlier) {
  if (later.connections != earlier.connections) return later.connections < earlier.connections;
  if (later.failed_lately != earlier.failed_lately) return earlier.failed_lately;
  return earlier.bytes_per_second > 0 && later.bytes_per_second > faster_by * earlier.bytes_per_second;
}

}  // namespace bgxfer::inline v0::detail

#endif
