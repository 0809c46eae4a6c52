#ifndef BGXFER_SRC_ENGINE_PLAN_HPP
#define BGXFER_SRC_ENGINE_PLAN_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/range_set.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0::detail {

/// A run of bytes of the resource, and where it belongs in the file.
struct Piece {
  ByteRange remote;
  std::uint64_t local = 0;

  friend bool operator==(const Piece&, const Piece&) = default;
};

/// What the host wants of a file before the rest (spec part 4.8).
struct Wishes {
  RangeSet ranges{};           ///< Places in the file; they may reach past its end.
  std::uint64_t position = 0;  ///< What is missing from here on comes before what is missing ahead of it.

  /// Whether they ask for anything but the file from its start.
  [[nodiscard]] bool orders() const noexcept { return position > 0 || !ranges.empty(); }
};

/// The runs of `whole` in the order in which they are to be fetched: wishes, then the rest, unless there are
/// `only_wishes`.
[[nodiscard]] std::vector<ByteRange> in_order(ByteRange whole, const Wishes& wishes, bool only_wishes);

/// What of a file of `size` bytes is in units of so many bytes with any of `ranges`. What they want past its end is
/// kept.
[[nodiscard]] RangeSet in_whole(const RangeSet& ranges, std::uint64_t unit, std::uint64_t size);

/// How a file is made of its resource: the whole of it, or ranges of it: each at a place of its own, or one behind the
/// other in their order (spec part 4.3).
/// Nothing else knows how a file is cut up.
class Layout {
 public:
  /// `places`: where each range goes; empty: one behind the other.
  explicit Layout(std::vector<ByteRange> ranges = {}, std::vector<std::uint64_t> places = {});

  [[nodiscard]] bool whole() const noexcept { return ranges_.empty(); }

  /// The size of the file made of a resource of this size; empty while it depends on a size that is not known.
  [[nodiscard]] std::optional<std::uint64_t> size(std::optional<std::uint64_t> resource_size) const;

  /// Whether every range lies inside a resource of this size.
  [[nodiscard]] bool fits(std::uint64_t resource_size) const;

  /// Whether a range other than the first begins at this place in the file.
  [[nodiscard]] bool begins_range(std::uint64_t local, std::optional<std::uint64_t> resource_size) const;

  /// The parts of the file that no range fills.
  [[nodiscard]] const RangeSet& holes() const noexcept { return holes_; }

  /// The first contiguous piece of what is missing in `gap`, a run of bytes of the file.
  [[nodiscard]] Piece piece(ByteRange gap, std::optional<std::uint64_t> resource_size) const;

 private:
  std::vector<ByteRange> ranges_;      // in the order of the file
  std::vector<std::uint64_t> places_;  // of each; empty: one behind the other
  RangeSet holes_;
};

/// What is known of the resource that the bytes on disk came from.
struct Known {
  std::optional<std::uint64_t> resource_size{};
  std::string validator{};
  std::optional<std::chrono::system_clock::time_point> modified{};
  bool arrived = false;  ///< Some bytes are on disk: they must not be mixed with another version's.
  bool trusted = false;  ///< Wrong bytes are found out in another way: by the hashes of the host.
};

/// What was asked of the server.
struct Asked {
  ByteRange remote{};         ///< The default is the whole resource, without a Range header.
  bool conditional = false;   ///< With the validator as a condition.
  std::uint64_t overlap = 0;  ///< So many of the first bytes are on disk already: they can be compared.
};

/// What to do with a response.
enum class Verdict : std::uint8_t {
  use,              ///< The bytes belong to what is on disk.
  compare,          ///< The same if the bytes that overlap with those on disk are equal.
  restart,          ///< Another version, from its first byte: drop what is on disk, use the response.
  restart_and_ask,  ///< Another version, but not from its first byte: drop what is on disk, ask again.
  skip,             ///< The same resource from its first byte, though a later one was asked for: skip what is on disk.
  ask_plainly,      ///< The same resource, but the condition made the server ignore the range: ask without it.
  refuse,           ///< Bytes that nobody asked for.
};

/// Judges a response by what was asked and what is on disk (bad-servers.md rows 1 to 15).
[[nodiscard]] Verdict judge(const Known& known, const Asked& asked, const ResponseHead& head);

/// How many bytes before `gap` to ask for again, so that they can be compared with those on disk: up to `wanted`
/// that have arrived without a hole, in the same piece of the resource.
[[nodiscard]] std::uint64_t overlap_before(const RangeSet& arrived, const Layout& layout, Piece piece,
                                           std::uint64_t wanted);

/// What to ask for again of `arrived`, bytes of the file, to compare it with what another source has: `wanted` bytes
/// that are contiguous in the resource, and no hole; as late in the file as there are so many, else as many as there
/// are. Empty (no length) if nothing has arrived.
[[nodiscard]] Piece to_compare(const RangeSet& arrived, const Layout& layout,
                               std::optional<std::uint64_t> resource_size, std::uint64_t wanted);

/// A connection at work: the bytes of the file that it still has to bring, and how fast it has been. 0: not known yet.
struct InFlight {
  ByteRange rest{};
  double bytes_per_second = 0;
  bool relieved = false;      ///< Another one has been sent for the same bytes already.
  double silent_seconds = 0;  ///< Since its last byte.
};

/// What one more connection is to bring.
struct Share {
  ByteRange local{};
  std::optional<std::size_t> from{};  ///< Whose rest it was, by its place among those in flight. Empty: nobody's.
  bool relieves = false;  ///< All of that rest: the other one is too slow, and ends when the first byte comes.
};

/// How a rest is cut.
struct Cut {
  std::uint64_t bytes_min = 1;  ///< No less, unless it relieves.
  std::uint64_t align = 1;      ///< In multiples of this: hashes of pieces are checked in memory if nobody cuts one.
  std::size_t connections = 1;  ///< How many are about to share what nobody fetches yet, this one among them.
};

/// What one more connection of such a speed (0: not known) should bring: the first of `wishes` that nobody fetches, cut
/// in equal parts for all that are about to start; else a part of the rest that would take longest, so that both are
/// done at the same time, and all of it where its connection is so slow that the new one alone is done sooner. Empty:
/// nothing that would help. `covered`: the bytes that nobody has to fetch any more.
[[nodiscard]] std::optional<Share> next_share(std::span<const ByteRange> wishes, const RangeSet& covered,
                                              std::span<const InFlight> in_flight, double bytes_per_second, Cut cut);

}  // namespace bgxfer::inline v0::detail

#endif
