#ifndef BGXFER_TESTS_FUZZ_BODY_STORY_HPP
#define BGXFER_TESTS_FUZZ_BODY_STORY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expect.hpp"
#include "http/body_reader.hpp"

namespace fuzz {

/// How the bytes of a body reach its reader, and how they are read.
struct BodyFlow {
  std::size_t piece = 1;  ///< Bytes that arrive at a time.
  std::size_t room = 1;   ///< Bytes that the caller has room for.
  bool straight = false;  ///< Payload goes to the room directly where it may.
};

/// What a caller sees of a body: its text, and how it ended.
inline std::string body_story(const bgxfer::http::detail::Framing& framing, std::string_view wire,
                              std::uint64_t length_max, const BodyFlow& flow) {
  bgxfer::http::detail::BodyReader reader(framing, length_max);
  std::string text;
  std::vector<std::byte> room(flow.room);
  std::size_t arrived = 0, taken = 0;
  while (!reader.done()) {
    const bool needs_more = taken == arrived && !reader.damaged();
    const std::size_t direct = flow.straight && needs_more ? reader.direct(room.size()) : 0;
    expect(direct <= room.size());
    if (direct > 0 && taken < wire.size()) {
      const std::size_t count = std::min(direct, wire.size() - taken);
      text.append(wire.substr(taken, count));
      reader.delivered(count);
      taken += count;
      arrived = taken;
    } else if (needs_more && arrived == wire.size()) {
      const bgxfer::Result<void> ended = reader.stream_ended();
      return text + (ended ? "|end" : "|" + ended.error().message());
    } else {
      if (needs_more) arrived = std::min(arrived + flow.piece, wire.size());
      const auto step = reader.take(std::as_bytes(std::span(wire.substr(taken, arrived - taken))), room);
      if (!step) return text + "|" + step.error().message();
      expect(step->consumed <= arrived - taken && step->delivered <= room.size());
      expect(step->consumed + step->delivered > 0 || reader.done() || reader.damaged());
      taken += step->consumed;
      text.append(reinterpret_cast<const char*>(room.data()), step->delivered);
    }
    expect(text.size() <= length_max);
  }
  return text + (reader.overlong() ? "|overlong" : "|done");
}

}  // namespace fuzz

#endif
