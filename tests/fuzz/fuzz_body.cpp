// A body means the same whether it is read straight into the caller's room or through the connection's buffer, whatever
// its framing; no more than was announced is delivered.
//
// Input: 1 byte framing, 1 byte length of the body in units of 64 bytes, 1 byte for what was announced (odd: nothing;
// else units of 64 bytes), 1 byte for the pieces, 1 byte for payload behind the wire in units of 1024 bytes, then the
// wire.
#include <bgxfer/byte_range.hpp>

#include "body_story.hpp"

using namespace bgxfer::http::detail;
using fuzz::body_story;
using fuzz::BodyFlow;
using fuzz::expect;

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

  const std::size_t all = wire.size() + 1, piece = 1 + data[3] * std::size_t{97};
  const std::string whole = body_story(framing, wire, length_max, BodyFlow{all, all});
  expect(body_story(framing, wire, length_max, BodyFlow{all, all, true}) == whole);
  expect(body_story(framing, wire, length_max, BodyFlow{piece, piece, true}) == whole);
  expect(body_story(framing, wire, length_max, BodyFlow{piece, piece}) == whole);
  return 0;
}
