#include "wrong_pieces.hpp"

#include <algorithm>
#include <utility>

namespace bgxfer::inline v0::detail {

WrongPieces::Tries WrongPieces::Piece::of(std::size_t source) const {
  const auto found = tries.find(source);
  return found == tries.end() ? Tries() : found->second;
}

std::vector<std::uint64_t> WrongPieces::all() const {
  std::vector<std::uint64_t> found;
  for (const auto& [index, piece] : pieces_) found.push_back(index);
  return found;
}

void WrongPieces::came_wrong(std::uint64_t index, std::optional<std::size_t> from, Error what) {
  Piece& piece = pieces_.try_emplace(index, Piece{what}).first->second;
  piece.what = std::move(what);
  if (!from) {
    ++piece.from_nobody;
    return;
  }
  Tries& tries = piece.tries[*from];
  ++tries.wrong;
  tries.asked = std::max(tries.asked, tries.wrong);  // It was not known to be wrong when it was asked for.
}

void WrongPieces::came_right(std::uint64_t piece) { pieces_.erase(piece); }

void WrongPieces::is_asked(std::uint64_t piece, std::size_t source) {
  if (const auto found = pieces_.find(piece); found != pieces_.end()) ++found->second.tries[source].asked;
}

Call WrongPieces::call(std::uint64_t index, std::size_t source, std::span<const Standing> sources) const {
  const auto found = pieces_.find(index);
  if (found == pieces_.end()) return Call::never;
  const Piece& piece = found->second;
  const Tries mine = piece.of(source);
  if (mine.wrong >= tries_max) return Call::never;
  for (std::size_t other = 0; other < sources.size(); ++other) {
    const Tries theirs = piece.of(other);
    if (sources[other] == Standing::here && theirs.wrong < tries_max && theirs.asked < mine.asked) return Call::never;
  }
  return mine.asked > mine.wrong ? Call::last : Call::first;
}

bool WrongPieces::is_spent(std::uint64_t index, std::size_t source) const {
  const auto found = pieces_.find(index);
  return found != pieces_.end() && found->second.of(source).wrong >= tries_max;
}

bool WrongPieces::may_be_cached(std::uint64_t index, std::size_t source) const {
  const auto found = pieces_.find(index);
  return found != pieces_.end() && (found->second.of(source).wrong > 0 || found->second.from_nobody > 0);
}

std::optional<Error> WrongPieces::nowhere_right(std::span<const Standing> sources) const {
  for (const auto& [index, piece] : pieces_) {
    bool somewhere = false;
    for (std::size_t source = 0; source < sources.size(); ++source) {
      somewhere = somewhere || (sources[source] != Standing::gone && piece.of(source).wrong < tries_max);
    }
    if (!somewhere || piece.from_nobody >= tries_max * sources.size()) return piece.what;
  }
  return std::nullopt;
}

}  // namespace bgxfer::inline v0::detail
