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

namespace bgxfer::inline v0::detail {

/// One place that has the file: its URL or a mirror, with what this turn has learned of it. Plain data.
struct Source {
  explicit Source(std::string where) : url(std::move(where)) {}

  std::string url;
  std::string validator{};                  ///< Of the resource as it is there. Empty: none, or not known yet.
  bool proven = false;                      ///< What it has is known to be what is on disk.

  // How it wants to be asked.
  bool conditional = true;                  ///< With the validator as a condition.
  std::uint64_t overlap_max = ByteRange::to_end;  ///< Less than `Limits::overlap_bytes` where it sends too little.
  std::uint32_t refused = 0;                ///< Responses with bytes that nobody asked for.
  bool narrow = false;                      ///< It forbids wide ranges.

  // How well it does.
  std::optional<Error> failure{};           ///< Why it is not asked again in this turn, while others are.
  std::size_t connections = 0;              ///< That are at work now.
  std::size_t connections_max = SIZE_MAX;   ///< That it takes, as far as it has shown.
  std::uint32_t stumbles = 0;               ///< Connections that broke off since one was done with its share.
  double bytes_per_second = 0;              ///< Of one connection; 0: not known.
  RangeSet brought{};                       ///< Bytes that are on disk because of it; kept where there are mirrors.
};

}  // namespace bgxfer::inline v0::detail

#endif
