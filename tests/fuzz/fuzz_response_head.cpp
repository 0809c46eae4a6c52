// A head means the same however it is split, stays within its limits, and what is let through has no line breaks.
//
// The first byte chooses how the rest is split.
#include <span>

#include "expect.hpp"
#include "http/body.hpp"
#include "http/head.hpp"
#include "http/response.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

namespace {

std::string told(std::string_view wire, std::size_t piece, const HeadLimits& limits = {}) {
  HeadParser parser(limits);
  std::size_t taken = 0;
  while (taken < wire.size() && !parser.done()) {
    const auto part = std::as_bytes(std::span(wire.substr(taken, piece)));
    const bgxfer::Result<std::size_t> count = parser.feed(part);
    if (!count) return count.error().message();
    expect(*count == part.size() || parser.done());
    taken += *count;
  }
  if (!parser.done()) return "more";
  const Head& head = parser.head();
  expect(head.status >= 200 && head.status <= 599 && head.fields.size() <= limits.fields_max);
  std::string story = std::to_string(head.status) + "." + std::to_string(head.minor_version);
  if (head.keeps_alive()) story += " stays";
  for (const bgxfer::Header& field : head.fields) {
    expect(fuzz::single_line(field.name) && fuzz::single_line(field.value) && !field.name.empty());
    story += "\n" + field.name + ":" + field.value;
  }
  const bgxfer::Result<Framing> framing = framing_of(head, "GET");
  if (framing) {
    story += "\n" + std::to_string(static_cast<int>(framing->kind)) + " " + std::to_string(framing->length);
    const bgxfer::Request request("http://h/");
    const auto judged = judge_response(request, *parse_url("http://h/"), head, *framing, {});
    if (judged) expect(head.status == 200 || head.status == 206);
    if (!judged) expect(located(judged.error(), *parse_url("http://h/")).detail().starts_with("http://h/"));
    expect(located(bgxfer::Error(bgxfer::Errc::stalled, bgxfer::ErrorContext::transport), *parse_url("http://h/"))
               .detail() == "http://h/");
    bgxfer::Request asks("http://start/");
    asks.method = "POST";
    const auto answered = judge_response(asks, *parse_url("http://h/"), head, *framing, {});
    if (answered) expect(head.status < 300 && answered->headers.size() == head.fields.size());
  }
  return story + "\nrest " + std::to_string(wire.size() - taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire = fuzz::text_of(data, size).substr(1);
  const std::string whole = told(wire, wire.size() + 1);
  expect(told(wire, 1) == whole);
  expect(told(wire, 1 + data[0] % 32u) == whole);
  HeadLimits tight;
  tight.head_bytes_max = 200;
  tight.fields_max = 4;
  tight.status_line_bytes_max = 40;
  tight.field_bytes_max = 80;
  tight.interim_max = 1;
  expect(told(wire, 1, tight) == told(wire, wire.size() + 1, tight));
  return 0;
}
