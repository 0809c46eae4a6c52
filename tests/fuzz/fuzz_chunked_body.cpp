// A chunked body means the same however it arrives and is read; nothing beyond what was announced is delivered.
//
// Input: 1 byte for the pieces, 1 byte for an announced length (odd: none), then the wire.
#include <bgxfer/byte_range.hpp>

#include "body_story.hpp"

using namespace bgxfer::http::detail;
using fuzz::body_story;
using fuzz::BodyFlow;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire = fuzz::text_of(data, size).substr(2);
  const std::uint64_t length_max = data[1] % 2 == 1 ? bgxfer::ByteRange::to_end : data[1];
  Framing framing;
  framing.kind = Framing::Kind::chunked;
  const std::string whole = body_story(framing, wire, length_max, BodyFlow{wire.size() + 1, 64 * 1024});
  expect(body_story(framing, wire, length_max, BodyFlow{1, 1}) == whole);
  expect(body_story(framing, wire, length_max, BodyFlow{1 + data[0] % 16u, 1 + data[0] / 16u}) == whole);
  return 0;
}
