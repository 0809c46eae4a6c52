#ifndef BGXFER_SRC_ENGINE_WRONG_PIECES_HPP
#define BGXFER_SRC_ENGINE_WRONG_PIECES_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <bgxfer/error.hpp>

namespace bgxfer::inline v0::detail {

/// How one source of a file stands in this turn.
enum class Standing : std::uint8_t {
  here,  ///< It may be asked.
  away,  ///< It has failed, and may be there again later.
  gone,  ///< It has failed for good.
};

/// When a source is asked for a piece that was wrong.
enum class Call : std::uint8_t {
  first,  ///< Before anything else.
  last,   ///< After everything else: it was asked before, and did not answer.
  never,  ///< Not as things stand: it had it wrong too often, or somebody else was asked less often.
};

/// The pieces of one file that were wrong and are not right yet, and who is asked for them: whoever was asked least.
/// Whoever has one wrong is asked for it again, past every cache, because it may have been damaged on its way
/// (bad-servers.md rows 30 and 31); one that does not answer is waited for, but holds up nobody. Decides, and does
/// nothing.
///
/// Pieces and sources are told by their index. Kept over all turns of a job, because one may be too short to ask
/// everybody; no more than the file has pieces.
class WrongPieces {
 public:
  /// So often a source has a piece wrong before it is not asked for it any more.
  static constexpr std::uint32_t tries_max = 3;

  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
  /// In their order.
  [[nodiscard]] std::vector<std::uint64_t> all() const;

  /// Whoever brought all of it had it wrong; `from` is empty if nobody alone had brought it.
  void came_wrong(std::uint64_t piece, std::optional<std::size_t> from, Error what);
  void came_right(std::uint64_t piece);
  /// This source is asked for it now. Does nothing for a piece that was not wrong.
  void is_asked(std::uint64_t piece, std::size_t source);

  /// When this source is asked for the piece, which was wrong. `sources`: all of them, this one among those that are
  /// here.
  [[nodiscard]] Call call(std::uint64_t piece, std::size_t source, std::span<const Standing> sources) const;
  /// Whether this source had the piece wrong too often to be asked for it again.
  [[nodiscard]] bool is_spent(std::uint64_t piece, std::size_t source) const;
  /// Whether a cache between here and this source may keep the piece as it is wrong.
  [[nodiscard]] bool may_be_cached(std::uint64_t piece, std::size_t source) const;
  /// What the file ends with, because a piece of it is right nowhere; empty while somebody may have each of them right.
  /// One that is away may.
  [[nodiscard]] std::optional<Error> nowhere_right(std::span<const Standing> sources) const;

 private:
  struct Tries {
    std::uint32_t asked = 0;
    std::uint32_t wrong = 0;
  };
  struct Piece {
    Error what;                            ///< The last time.
    std::map<std::size_t, Tries> tries{};  ///< By source.
    std::uint32_t from_nobody = 0;         ///< How often nobody alone had brought it.

    [[nodiscard]] Tries of(std::size_t source) const;
  };

  std::map<std::uint64_t, Piece> pieces_;
};

}  // namespace bgxfer::inline v0::detail

#endif
