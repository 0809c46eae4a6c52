// A chunked body means the same however it arrives and is read; nothing beyond what was announced is delivered.
//
// Input: 1 byte for the pieces, 1 byte for an announced length (odd: none), then the wire.
#include <span>

#include <bgxfer/byte_range.hpp>

#include "expect.hpp"
#include "http/body_reader.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

namespace {

std::string told(std::string_view wire, std::uint64_t length_max, std::size_t piece, std::size_t room_bytes) {
  Framing framing;
  framing.kind = Framing::Kind::chunked;
  BodyReader reader(framing, length_max);
  std::string text;
  std::vector<std::byte> room(room_bytes);
  std::size_t arrived = 0, taken = 0;
  while (!reader.done()) {
    if (taken == arrived && !reader.damaged()) {
      if (arrived == wire.size()) {
        const bgxfer::Result<void> ended = reader.stream_ended();
        return text + (ended ? "|end" : "|" + ended.error().message());
      }
      arrived = std::min(arrived + piece, wire.size());
    }
    const auto step = reader.take(std::as_bytes(std::span(wire.substr(taken, arrived - taken))), room);
    if (!step) return text + "|" + step.error().message();
    expect(step->consumed <= arrived - taken && step->delivered <= room.size());
    expect(step->consumed + step->delivered > 0 || reader.done() || reader.damaged());
    taken += step->consumed;
    text.append(reinterpret_cast<const char*>(room.data()), step->delivered);
    expect(text.size() <= length_max);
  }
  return text + (reader.overlong() ? "|overlong" : "|done");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire = fuzz::text_of(data, size).substr(2);
  const std::uint64_t length_max = data[1] % 2 == 1 ? bgxfer::ByteRange::to_end : data[1];
  const std::string whole = told(wire, length_max, wire.size() + 1, 64 * 1024);
  expect(told(wire, length_max, 1, 1) == whole);
  expect(told(wire, length_max, 1 + data[0] % 16u, 1 + data[0] / 16u) == whole);
  return 0;
}
