// A part that is granted lies inside its resource and has the length of its body, and only proofs become validators.
//
// Input: "offset,length" of the request in 2 bytes, then lines "Name: value" of a 206; each line is also read as a
// range.
#include "expect.hpp"
#include "http/body.hpp"
#include "http/content_range.hpp"
#include "http/response.hpp"
#include "http/validator.hpp"

using namespace bgxfer::http::detail;
using bgxfer::ByteRange;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view lines = fuzz::text_of(data, size).substr(2);
  for (std::string_view rest = lines; !rest.empty();) {
    const auto range = parse_content_range(fuzz::take_line(rest));
    if (!range) continue;
    expect(range->range || range->resource_size);
    if (range->range) expect(!range->range->empty() && range->range->length != ByteRange::to_end);
    if (range->range && range->resource_size) expect(range->range->end() <= *range->resource_size);
  }

  const Head head = fuzz::head_of(206, lines);
  const std::string validator = validator_of(head);
  const auto tag = head.field("etag");
  const bool quoted = validator.size() >= 2 && validator.front() == '"' && validator.back() == '"';
  const bool is_tag = quoted && validator == tag;
  const bool is_date = head.field("last-modified") == validator && head.field("date");
  expect(validator.empty() || is_tag || is_date);

  const bgxfer::Result<Framing> framing = framing_of(head, "GET");
  if (!framing) return 0;
  bgxfer::Request request("http://h/");
  request.range = ByteRange{data[0], data[1] == 255 ? ByteRange::to_end : data[1] + std::uint64_t{1}};
  const auto judged = judge_response(request, *parse_url("http://h/"), head, *framing, {});
  if (!judged) return 0;
  expect(!judged->granted.empty());
  if (judged->resource_size) expect(judged->granted.end() <= *judged->resource_size);
  if (framing->kind == Framing::Kind::length) expect(judged->granted.length == framing->length);
  if (!judged->range_stated) expect(judged->granted == request.range && !head.field("content-range"));
  return 0;
}
