// A body means the same whether it is read straight into the caller's room or through the connection's buffer, whatever
// its framing; no more than was announced is delivered.
//
// Input: 1 byte framing, 1 byte length of the body in units of 64 bytes, 1 byte for what was announced (odd: nothing;
// else units of 64 bytes), 1 byte for the pieces, 1 byte for payload behind the wire in units of 1024 bytes, then the
// wire.
#include <cstring>
#include <span>

#include <bgxfer/byte_range.hpp>

#include "expect.hpp"
#include "http/body_reader.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

namespace {

/// `piece`: how many bytes come at a time. `straight`: payload goes to the room directly where it may.
std::string told(Framing framing, std::string_view wire, std::uint64_t length_max, std::size_t piece, bool straight) {
  BodyReader reader(framing, length_max);
  std::string text;
  std::vector<std::byte> room(piece);
  std::size_t arrived = 0, taken = 0;
  while (!reader.done()) {
    const std::size_t direct = straight && taken == arrived && !reader.damaged() ? reader.direct(room.size()) : 0;
    expect(direct <= room.size());
    if (direct > 0 && taken < wire.size()) {
      const std::size_t count = std::min(direct, wire.size() - taken);
      text.append(wire.substr(taken, count));
      reader.delivered(count);
      taken += count;
      arrived = taken;
    } else if (taken == arrived && arrived == wire.size() && !reader.damaged()) {
      const bgxfer::Result<void> ended = reader.stream_ended();
      return text + (ended ? "|end" : "|" + ended.error().message());
    } else {
      if (taken == arrived) arrived = std::min(arrived + piece, wire.size());
      const auto step = reader.take(std::as_bytes(std::span(wire.substr(taken, arrived - taken))), room);
      if (!step) return text + "|" + step.error().message();
      taken += step->consumed;
      text.append(reinterpret_cast<const char*>(room.data()), step->delivered);
    }
    expect(text.size() <= length_max);
  }
  return text + (reader.overlong() ? "|overlong" : "|done");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return 0;
  constexpr Framing::Kind kinds[] = {Framing::Kind::none, Framing::Kind::length, Framing::Kind::chunked,
                                     Framing::Kind::to_close};
  Framing framing;
  framing.kind = kinds[data[0] % 4];
  if (framing.kind == Framing::Kind::length) framing.length = data[1] * std::uint64_t{64};
  const std::uint64_t length_max = data[2] % 2 == 1 ? bgxfer::ByteRange::to_end : data[2] * std::uint64_t{64};
  const std::string wire =
      std::string(fuzz::text_of(data, size).substr(5)) + std::string(data[4] * std::size_t{1024}, 'p');

  const std::string whole = told(framing, wire, length_max, wire.size() + 1, false);
  expect(told(framing, wire, length_max, wire.size() + 1, true) == whole);
  expect(told(framing, wire, length_max, 1 + data[3] * std::size_t{97}, true) == whole);
  expect(told(framing, wire, length_max, 1 + data[3] * std::size_t{97}, false) == whole);
  return 0;
}
