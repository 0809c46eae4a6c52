#include "http/body.hpp"
#include "http/body_reader.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace bgxfer::http::detail;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::Header;
using bgxfer::Result;

namespace {

Result<Framing> framing(std::initializer_list<Header> fields, int status = 200, int minor_version = 1,
                        std::string_view method = "GET") {
  Head head;
  head.status = status;
  head.minor_version = minor_version;
  head.fields = fields;
  return framing_of(head, method);
}

std::span<const std::byte> as_wire(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What is wrong with a chunked body; empty if nothing is.
std::string wrong(std::string_view wire) {
  ChunkedParser parser;
  while (!parser.done() && !wire.empty()) {
    if (const std::uint64_t payload = parser.payload(); payload > 0) {
      const std::uint64_t count = std::min<std::uint64_t>(payload, wire.size());
      parser.take(count);
      wire.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    const Result<std::size_t> skipped = parser.skip_framing(as_wire(wire));
    if (!skipped) return skipped.error().detail();
    wire.remove_prefix(*skipped);
  }
  return parser.done() ? std::string() : "open";
}

}  // namespace

TEST_CASE("what could hide a second response is no framing") {
  const Header length{"Content-Length", "5"};
  const Header chunked{"Transfer-Encoding", "chunked"};
  CHECK(*framing({length}) == Framing{Framing::Kind::length, 5});
  CHECK(*framing({length, length}) == Framing{Framing::Kind::length, 5});
  CHECK(*framing({chunked}) == Framing{Framing::Kind::chunked, 0});
  CHECK(*framing({}) == Framing{Framing::Kind::to_close, 0});
  CHECK_FALSE(framing({{"Content-Length", "five"}}));
  CHECK_FALSE(framing({length, {"Content-Length", "6"}}));
  CHECK_FALSE(framing({length, chunked}));
  CHECK_FALSE(framing({chunked, chunked}));
  CHECK_FALSE(framing({{"Transfer-Encoding", "gzip, chunked"}}));
  CHECK_FALSE(framing({chunked}, 200, 0));
}

TEST_CASE("some answers have no body, whatever their fields say") {
  const Header length{"Content-Length", "5"};
  CHECK(framing({length}, 204)->kind == Framing::Kind::none);
  CHECK(framing({length}, 304)->kind == Framing::Kind::none);
  CHECK(framing({length}, 200, 1, "HEAD")->kind == Framing::Kind::none);
}

TEST_CASE("each byte of a chunked body that is neither payload nor exact framing is named") {
  CHECK(wrong("5 \r\nhello\r\n1\t\r\nx\r\n0;a\tb\r\nT: x\r\n\r\n").empty());
  CHECK(wrong("\r\n") == "a chunk without a size");
  CHECK(wrong("5x\r\n") == "a chunk size that is no number");
  CHECK(wrong("00000000000000005\r\n") == "a chunk size with too many digits");
  CHECK(wrong("8000000000000000\r\n") == "a chunk size beyond 2^63");
  CHECK(wrong("5\rx") == "a chunk size that does not end its line");
  CHECK(wrong("5;\x01\r\n") == "a control character in a chunk extension");
  CHECK(wrong("5;" + std::string(ChunkedParser::size_line_bytes_max, 'e')) == "a chunk extension is too long");
  CHECK(wrong("2\r\nabc") == "a chunk that is longer than its size");
  CHECK(wrong("2\r\nab\rc") == "a chunk that is longer than its size");
  CHECK(wrong("0\r\nT\x01\r\n\r\n") == "a control character in a trailer");
  CHECK(wrong("0\r\nT\rx") == "a carriage return without a line feed in a trailer");
  CHECK(wrong("0\r\n" + std::string(ChunkedParser::trailer_bytes_max + 1, 't')) == "the trailers are too long");
  CHECK(wrong("5\r\nhello\r\n") == "open");
}

TEST_CASE("only payload that is large enough is read straight to the caller") {
  Framing chunked;
  chunked.kind = Framing::Kind::chunked;
  BodyReader reader(chunked, ByteRange::to_end);
  std::vector<std::byte> room(16);
  CHECK(reader.direct(100) == 0);
  REQUIRE(reader.take(as_wire("1\r\nx\r\n8000\r\n"), room)->delivered == 1);
  CHECK(reader.direct(100) == 100);
  reader.delivered(0x8000 - 10);
  CHECK(reader.direct(100) == 0);
  BodyReader exact(Framing{Framing::Kind::length, 7}, ByteRange::to_end);
  CHECK(exact.direct(100) == 7);
  exact.delivered(7);
  CHECK(exact.done());
}
