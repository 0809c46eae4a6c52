#include "response.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "../base/mutant.hpp"
#include "content_range.hpp"
#include "date.hpp"
#include "retry_after.hpp"
#include "text.hpp"
#include "validator.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

Error status_error(const Head& head, const Url& url, std::chrono::system_clock::time_point now) {
  Error error(http_status(head.status), ErrorContext::remote_file, public_url(url.to_string()));
  if (const auto delay = retry_after_of(head, now)) error = error.with_retry_after(*delay);
  const std::optional<std::string_view> range_field = head.field("content-range");
  if (head.status == 416 && range_field) {
    const std::optional<ContentRange> range = parse_content_range(*range_field);
    if (range && range->resource_size) error = error.with_resource_size(*range->resource_size);
  }
  return error;
}

bool is_encoded_body(const Head& head) {
  const std::vector<std::string> codings = head.list("content-encoding");
  return std::any_of(codings.begin(), codings.end(), [](const std::string& coding) { return coding != "identity"; });
}

/// What a 206 grants, or why it grants nothing that could be trusted.
Result<ContentRange> partial_range(const Request& request, const Head& head, const Framing& framing) {
  const auto refused = [](std::string why) {
    return Error(Errc::range_ignored, ErrorContext::remote_file, std::move(why));
  };
  const std::optional<std::string_view> type = head.field("content-type");
  if (type && equal_ignoring_case(trimmed(*type).substr(0, 20), "multipart/byteranges")) {
    return refused("several ranges in one answer");
  }
  const bool measured = framing.kind == Framing::Kind::length;
  const std::optional<std::string_view> field = head.field("content-range");
  if (!field) {
    // Without the field only the exact length asked for makes it likely that these are the bytes asked for.
    const bool exact = measured && request.range.length != ByteRange::to_end && framing.length == request.range.length;
    if (!exact) return refused("a partial answer without Content-Range");
    ContentRange assumed;
    assumed.range = request.range;
    return assumed;
  }
  if (BGXFER_MUTANT(5) && measured) {
    ContentRange assumed;
    assumed.range = ByteRange{request.range.offset, framing.length};
    return assumed;
  }
  const std::optional<ContentRange> range = parse_content_range(*field);
  if (!range || !range->range) return refused("a partial answer with a bad Content-Range");
  if (measured && framing.length != range->range->length) {
    return Error(Errc::invalid_response, ErrorContext::remote_file, "Content-Length contradicts Content-Range");
  }
  return *range;
}

}  // namespace

Result<ResponseHead> judge_response(const Request& request, const Url& url, const Head& head, const Framing& framing,
                                    std::chrono::system_clock::time_point now) {
  const auto where = [&url] { return public_url(url.to_string()); };
  const bool fetches = request.method == "GET";
  if (fetches && (head.status == 204 || head.status == 205)) {
    return Error(Errc::invalid_response, ErrorContext::remote_file,
                 where() + ": status " + std::to_string(head.status) + " has no body");
  }
  const bool success = BGXFER_MUTANT(23) && head.status >= 500 ? true
                       : fetches                               ? head.status == 200 || head.status == 206
                                                               : head.status >= 200 && head.status <= 299;
  if (!success) return status_error(head, url, now);
  if (is_encoded_body(head) && !BGXFER_MUTANT(22)) return Error(Errc::encoded_body, ErrorContext::remote_file, where());

  ResponseHead result;
  if (head.status == 206) {
    const Result<ContentRange> range = partial_range(request, head, framing);
    if (!range) return Error(range.error().code(), ErrorContext::remote_file, where() + ": " + range.error().detail());
    result.granted = *range->range;
    result.range_stated = head.field("content-range").has_value();
    result.resource_size = range->resource_size;
  } else {
    result.granted = ByteRange{};
    if (framing.kind == Framing::Kind::length) result.granted.length = framing.length;
    if (framing.kind == Framing::Kind::none) result.granted.length = 0;
    if (framing.kind == Framing::Kind::length && (head.status == 200 || BGXFER_MUTANT(23)))
      result.resource_size = framing.length;
  }
  result.delimited = framing.kind != Framing::Kind::to_close;
  const std::vector<std::string> units = head.list("accept-ranges");
  result.ranges = std::find(units.begin(), units.end(), "none") == units.end();
  result.validator = validator_of(head);
  if (const std::optional<std::string_view> modified = head.field("last-modified")) {
    result.last_modified = parse_date(*modified);
  }
  result.headers = head.fields;
  return result;
}

Error located(const Error& error, const Url& url) {
  const std::string where = public_url(url.to_string());
  Error result(error.code(), error.context(), error.detail().empty() ? where : where + ": " + error.detail());
  if (error.retry_after()) result = result.with_retry_after(*error.retry_after());
  if (error.resource_size()) result = result.with_resource_size(*error.resource_size());
  return result;
}

}  // namespace bgxfer::inline v0::http::detail
