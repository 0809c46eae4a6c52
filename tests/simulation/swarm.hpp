#ifndef BGXFER_TESTS_SIMULATION_SWARM_HPP
#define BGXFER_TESTS_SIMULATION_SWARM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "random.hpp"

namespace bgxfer::simulation {

/// Everything that can be made to go wrong. Each seed switches on another subset.
enum class Fault : std::uint8_t {
  // The server and the network (bad-servers.md parts 1 to 6).
  refuse,            ///< No connection, or none in time.
  server_error,      ///< 5xx and others that may go away.
  pacing,            ///< 429 or 503, with and without a Retry-After that can be read.
  missing,           ///< 404 and 403: permanent.
  cut,               ///< The connection is reset, in the head or in the body.
  early_end,         ///< The connection ends properly, in the head or in the body.
  stall,             ///< The server falls silent, and the connection stays.
  change,            ///< Another version of the resource, at any moment.
  no_validator,      ///< Resources with a weak validator or none.
  date_validator,    ///< Resources with a strong date only.
  silent_validator,  ///< A 206 that does not repeat the validator.
  ignore_range,      ///< Everything instead of the range.
  ignore_condition,  ///< The range of another version, although If-Range was sent.
  wrong_range,       ///< Bytes from somewhere else, and the head says so.
  short_range,       ///< Fewer bytes than asked for.
  bare_range,        ///< A 206 without Content-Range.
  multipart,         ///< A 206 of several parts.
  beyond,            ///< 416 for a range that exists, with and without a size.
  precondition,      ///< 412.
  unsized,           ///< Resources of a size that only the end tells: chunked.
  undelimited,       ///< HTTP/1.0, and resources that only the closed connection ends.
  chunked,           ///< Chunked although the size is known; extensions and trailers.
  bad_chunk,         ///< Chunked framing that breaks.
  wrong_length,      ///< A Content-Length that is not true.
  excess,            ///< Bytes behind the end of a body.
  encoding,          ///< Content-Encoding although identity was asked for.
  no_content,        ///< 204 and 205.
  garbage,           ///< Heads that are no HTTP, or could be read in two ways.
  endless_head,      ///< More fields than anybody needs.
  interim,           ///< 1xx before the answer, sometimes too many.
  spelling,          ///< Names in odd case, odd spaces, odd Content-Range, also on a 200.
  redirect,          ///< To other hosts and relative places.
  bad_redirect,      ///< In a circle, to nowhere, out of TLS.
  portal,            ///< 200 and a page of somebody else.
  stale,             ///< Kept connections that are dead, or die while they wait.
  closing,           ///< Connection: close.
  pieces,            ///< Heads byte by byte or in random pieces, bodies in small pieces.
  mirror_differs,    ///< A mirror has other bytes, of the same size or of another, whatever else is well.
  mirror_dead,       ///< A mirror has nothing, whatever else is well.
  url_down,          ///< Where there are mirrors, only they have anything, until the faults stop.
  // The disk.
  disk_open,
  disk_read,
  disk_write,
  disk_sync,
  disk_rename,
  disk_full,
  disk_plan,  ///< One operation fails, or all from one on, until the life ends.
  disk_slow,  ///< Operations take time.
  // The machine and the host.
  power,     ///< Power cuts, during recovery too.
  crash,     ///< The process dies.
  offline,   ///< The host says that the network is gone.
  rude,      ///< The queue is destroyed without a word.
  throwing,  ///< Callbacks throw.
  count
};

inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count);

inline constexpr std::array<std::string_view, fault_count> fault_names{
    "refuse",           "server_error", "pacing",           "missing",      "cut",
    "early_end",        "stall",        "change",           "no_validator", "date_validator",
    "silent_validator", "ignore_range", "ignore_condition", "wrong_range",  "short_range",
    "bare_range",       "multipart",    "beyond",           "precondition", "unsized",
    "undelimited",      "chunked",      "bad_chunk",        "wrong_length", "excess",
    "encoding",         "no_content",   "garbage",          "endless_head", "interim",
    "spelling",         "redirect",     "bad_redirect",     "portal",       "stale",
    "closing",          "pieces",       "mirror_differs",   "mirror_dead",  "url_down",
    "disk_open",        "disk_read",    "disk_write",       "disk_sync",    "disk_rename",
    "disk_full",        "disk_plan",    "disk_slow",        "power",        "crash",
    "offline",          "rude",         "throwing"};

/// Which faults a schedule knows.
class Swarm {
 public:
  Swarm() = default;
  explicit Swarm(Random& random) {
    // A few schedules with everything, a few with nothing, most with some.
    const double share = std::array<double, 5>{0.0, 0.15, 0.3, 0.5, 0.8}[random.below(5)];
    for (std::size_t i = 0; i < fault_count; ++i) {
      if (random.chance(share)) add(static_cast<Fault>(i));
    }
    shares_ = random.chance(0.25);
    if (!shares_) return;
    for (Fault fault : {Fault::mirror_differs, Fault::url_down, Fault::pieces, Fault::disk_slow, Fault::disk_read}) {
      if (random.chance(0.5)) add(fault);
    }
  }

  [[nodiscard]] bool has(Fault fault) const { return (bits_ >> static_cast<unsigned>(fault) & 1) != 0; }
  [[nodiscard]] Swarm without(Fault fault) const {
    Swarm less = *this;
    less.bits_ &= ~(std::uint64_t{1} << static_cast<unsigned>(fault));
    return less;
  }
  [[nodiscard]] Swarm only(std::uint64_t mask) const {
    Swarm less = *this;
    less.bits_ &= mask;
    return less;
  }
  [[nodiscard]] bool disk_faults() const {
    for (Fault fault : {Fault::disk_open, Fault::disk_read, Fault::disk_write, Fault::disk_sync, Fault::disk_rename,
                        Fault::disk_full, Fault::disk_plan}) {
      if (has(fault)) return true;
    }
    return false;
  }
  /// Whether the schedule is about what connections share: most files come over several, in pieces and from mirrors.
  [[nodiscard]] bool shares() const { return shares_; }
  [[nodiscard]] std::uint64_t bits() const { return bits_; }

 private:
  void add(Fault fault) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(fault); }

  std::uint64_t bits_ = 0;
  bool shares_ = false;
};

}  // namespace bgxfer::simulation

#endif
