#include "http/head.hpp"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "http/body.hpp"
#include "http/body_reader.hpp"

using bgxfer::Errc;
using bgxfer::Request;
using bgxfer::Result;
using bgxfer::http::detail::BodyReader;
using bgxfer::http::detail::check_request;
using bgxfer::http::detail::Framing;
using bgxfer::http::detail::framing_of;
using bgxfer::http::detail::HeadExtras;
using bgxfer::http::detail::HeadParser;

namespace {

/// The whole story of feeding `wire` in pieces whose lengths `next` gives: head, how much was left over, or the error.
template <class NextLength>
std::string told(const std::string& wire, NextLength next) {
  HeadParser parser;
  std::size_t taken = 0;
  while (taken < wire.size() && !parser.done()) {
    const std::size_t length = std::min<std::size_t>(next(), wire.size() - taken);
    const Result<std::size_t> count = parser.feed(std::as_bytes(std::span(wire)).subspan(taken, length));
    if (!count) return count.error().message();
    taken += *count;
  }
  if (!parser.done()) return "more";
  std::string story = std::to_string(parser.head().status) + "." + std::to_string(parser.head().minor_version);
  for (const bgxfer::Header& field : parser.head().fields) story += "|" + field.name + "=" + field.value;
  return story + "|rest " + std::to_string(wire.size() - taken);
}

std::string told_whole(const std::string& wire) {
  return told(wire, [&] { return wire.size(); });
}

std::vector<std::string> wires() {
  return {
      "HTTP/1.1 200 OK\r\nA: b\r\nC:d \t\r\nE:\r\n\r\nbody",
      "HTTP/1.0 404\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 206 Partial\r\nX: y\r\n\r\n12",
      "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
      "HTTP/1.1 200 OK\nA: b\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25),
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b",
  };
}

}  // namespace

TEST_CASE("a head is read") {
  CHECK(told_whole(wires()[0]) == "200.1|A=b|C=d|E=|rest 4");
  CHECK(told_whole(wires()[1]) == "404.0|rest 0");
  CHECK(told_whole(wires()[2]) == "206.1|X=y|rest 2");
  CHECK(told_whole(wires().back()) == "more");
}

TEST_CASE("a head means the same however it is split") {
  std::mt19937 random(7);
  for (const std::string& wire : wires()) {
    CAPTURE(wire);
    const std::string whole = told_whole(wire);
    CHECK(told(wire, [] { return 1; }) == whole);
    int differences = 0;
    for (int i = 0; i < 1000; ++i) differences += told(wire, [&] { return 1 + random() % 9; }) != whole;
    CHECK(differences == 0);
  }
}

TEST_CASE("each limit of a head holds, and one byte less is fine") {
  const auto head_with = [](std::string fields) { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n"; };
  const std::string too_large = std::error_code(Errc::response_too_large).message();
  CHECK(told_whole("HTTP/1.1 200 " + std::string(8 * 1024 - 13, 'r') + "\r\n\r\n").starts_with("200"));
  CHECK(told_whole("HTTP/1.1 200 " + std::string(8 * 1024 - 12, 'r') + "\r\n\r\n").starts_with(too_large));
  CHECK(told_whole(head_with("A:" + std::string(16 * 1024 - 2, 'v') + "\r\n")).starts_with("200"));
  CHECK(told_whole(head_with("A:" + std::string(16 * 1024 - 1, 'v') + "\r\n")).starts_with(too_large));
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "A: b\r\n";
  CHECK(told_whole(head_with(fields)).starts_with("200"));
  CHECK(told_whole(head_with(fields + "A: b\r\n")).starts_with(too_large));
  std::string bulk;
  for (int i = 0; i < 5; ++i) bulk += "A: " + std::string(16000, 'v') + "\r\n";
  CHECK(told_whole(head_with(bulk)).starts_with(too_large));
}

TEST_CASE("a request head says what is wanted and nothing that was not checked") {
  const auto url = *bgxfer::http::detail::parse_url("http://h:81/p?q");
  HeadExtras plain;
  plain.user_agent = "ua";
  Request request("x");
  CHECK(print_request(request, url, plain) ==
        "GET /p?q HTTP/1.1\r\nHost: h:81\r\nUser-Agent: ua\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\r\n");
  request.range = bgxfer::ByteRange{5, 10};
  request.validator = "\"v\"";
  CHECK(print_request(request, url, plain).find("\r\nRange: bytes=5-14\r\nIf-Range: \"v\"\r\n") != std::string::npos);
  request.range = bgxfer::ByteRange{5, bgxfer::ByteRange::to_end};
  CHECK(print_request(request, url, plain).find("\r\nRange: bytes=5-\r\n") != std::string::npos);
  request.range = bgxfer::ByteRange{0, 10};
  CHECK(print_request(request, url, plain).find("\r\nRange: bytes=0-9\r\n") != std::string::npos);
  request.range = bgxfer::ByteRange{};
  CHECK(print_request(request, url, plain).find("Range") == std::string::npos);
}

TEST_CASE("callers may not frame, route or inject") {
  const auto code_of = [](const char* name, std::string value) {
    Request request("x");
    bgxfer::Header header;
    header.name = name;
    header.value = std::move(value);
    request.headers.push_back(header);
    const Result<void> checked = check_request(request);
    return checked ? std::error_code() : checked.error().code();
  };
  CHECK_FALSE(code_of("X-Fine", "tab\tand \xc3\xa4"));
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Range", "If-Range",
                           "Accept-Encoding", "Expect", "Upgrade", "", "a b", "a:", "a\r\n", "\xc3\xa4"}) {
    CAPTURE(name);
    CHECK(code_of(name, "v") == Errc::invalid_argument);
  }
  for (std::string value : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f")}) {
    CHECK(code_of("X", value) == Errc::invalid_argument);
  }
  Request method("x");
  method.method = "GET / HTTP/1.1\r\nX:";
  CHECK(check_request(method).error().code() == Errc::invalid_argument);
  Request validator("x");
  validator.validator = "\"a\"\r\nX: y";
  CHECK(check_request(validator).error().code() == Errc::invalid_argument);
  Request range("x");
  range.range = bgxfer::ByteRange{5, 0};
  CHECK(check_request(range).error().code() == Errc::invalid_range);
}

TEST_CASE("header injection is impossible whatever the bytes") {
  std::mt19937 random(11);
  const auto url = *bgxfer::http::detail::parse_url("http://h/");
  for (int i = 0; i < 2000; ++i) {
    Request request("x");
    bgxfer::Header header;
    for (unsigned n = random() % 8; n > 0; --n)
      header.name += static_cast<char>(random() % 2 ? 'a' + random() % 26 : random() % 256);
    for (unsigned n = random() % 8; n > 0; --n)
      header.value += static_cast<char>(random() % 2 ? 'a' + random() % 26 : random() % 256);
    request.headers.push_back(header);
    if (!check_request(request)) continue;
    const std::string text = print_request(request, url, HeadExtras{});
    std::size_t lines = 0;
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) ++lines;
    CHECK(lines == 6);  // Request line, Host, Accept, Accept-Encoding, the caller's, the empty line.
  }
}

namespace {

/// The payload and the end of a chunked body that arrives and is read in pieces.
template <class NextLength>
std::string read_chunked(const std::string& wire, std::uint64_t length_max, NextLength next) {
  Framing framing;
  framing.kind = Framing::Kind::chunked;
  BodyReader reader(framing, length_max);
  std::string text;
  std::size_t arrived = 0, taken = 0;
  while (!reader.done()) {
    if (taken == arrived && !reader.damaged()) {
      if (arrived == wire.size()) {
        const Result<void> ended = reader.stream_ended();
        return text + (ended ? "|end" : "|" + ended.error().message());
      }
      arrived = std::min<std::size_t>(arrived + next(), wire.size());
    }
    std::byte room[5];
    const auto step = reader.take(std::as_bytes(std::span(wire)).subspan(taken, arrived - taken),
                                  std::span(room).first(1 + next() % 5));
    if (!step) return text + "|" + step.error().message();
    taken += step->consumed;
    text.append(reinterpret_cast<const char*>(room), step->delivered);
  }
  return text + (reader.overlong() ? "|overlong" : "|done");
}

}  // namespace

TEST_CASE("a chunked body means the same however it is split") {
  std::mt19937 random(3);
  for (const std::string wire : {
           "5\r\nhello\r\n6;ext=\"1\"\r\n world\r\n0\r\nT: x\r\nU: y\r\n\r\n",
           "0\r\n\r\n",
           "00000003\r\nabc\r\n000\r\n\r\n",
           "A \r\n0123456789\r\n0\r\n\r\n",
           "3\r\nabcd\r\n0\r\n\r\n",
           "3\nabc\r\n0\r\n\r\n",
           "g\r\n",
           "-1\r\nx",
           "8000000000000000\r\nx",
           "00000000000000001\r\nx",
           "3\r\nabc\r\n",
           "0\r\nT: x\r\n",
       }) {
    CAPTURE(wire);
    const std::string whole = read_chunked(wire, bgxfer::ByteRange::to_end, [&] { return wire.size(); });
    CHECK(read_chunked(wire, bgxfer::ByteRange::to_end, [] { return 1; }) == whole);
    int differences = 0;
    for (int i = 0; i < 1000; ++i) {
      differences += read_chunked(wire, bgxfer::ByteRange::to_end, [&] { return 1 + random() % 7; }) != whole;
    }
    CHECK(differences == 0);
  }
}

TEST_CASE("a chunked body is held to the length that Content-Range announced") {
  const std::string wire = "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
  const auto whole = [&] { return wire.size(); };
  CHECK(read_chunked(wire, 6, whole) == "abcdef|done");
  CHECK(read_chunked(wire, 4, whole) == "abcd|overlong");
  CHECK(read_chunked(wire, 3, whole) == "abc|overlong");
  CHECK(read_chunked(wire, 7, whole).starts_with("abcdef|" + std::error_code(Errc::body_truncated).message()));
}

TEST_CASE("chunk extensions and trailers have limits") {
  const auto run = [](const std::string& wire) {
    return read_chunked(wire, bgxfer::ByteRange::to_end, [] { return 4096; });
  };
  const std::string too_large = "|" + std::error_code(Errc::response_too_large).message();
  CHECK(run("0;" + std::string(1000, 'x') + "\r\n\r\n") == "|done");
  CHECK(run("0;" + std::string(1024, 'x') + "\r\n\r\n").starts_with(too_large));
  CHECK(run("0\r\nT: " + std::string(8000, 'x') + "\r\n\r\n") == "|done");
  CHECK(run("0\r\nT: " + std::string(8200, 'x') + "\r\n\r\n").starts_with(too_large));
}
