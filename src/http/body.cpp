#include "body.hpp"

#include <cassert>
#include <limits>
#include <utility>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

Error malformed_body(std::string why) {
  return Error(Errc::invalid_response, ErrorContext::remote_file, std::move(why));
}

}  // namespace

Result<Framing> framing_of(const Head& head, std::string_view method) {
  std::optional<std::uint64_t> length;
  std::optional<std::string_view> coding;
  for (const Header& field : head.fields) {
    if (equal_ignoring_case(field.name, "content-length")) {
      const std::optional<std::uint64_t> value = parse_number(field.value);
      if (!value) return malformed_body("Content-Length is not a number");
      if (length && *length != *value) return malformed_body("two values of Content-Length");
      length = value;
    } else if (equal_ignoring_case(field.name, "transfer-encoding")) {
      if (coding) return malformed_body("two fields of Transfer-Encoding");
      coding = field.value;
    }
  }
  if (coding && length) return malformed_body("both Content-Length and Transfer-Encoding");
  if (coding && (head.minor_version == 0 || !equal_ignoring_case(*coding, "chunked"))) {
    return malformed_body("a Transfer-Encoding other than chunked");
  }

  if (method == "HEAD" || head.status == 204 || head.status == 304) return Framing{Framing::Kind::none, 0};
  if (coding) return Framing{Framing::Kind::chunked, 0};
  if (length) return Framing{Framing::Kind::length, *length};
  return Framing{Framing::Kind::to_close, 0};
}

Result<std::size_t> ChunkedParser::skip_framing(std::span<const std::byte> input) {
  std::size_t taken = 0;
  while (taken < input.size() && state_ != State::payload && state_ != State::done) {
    const char c = static_cast<char>(input[taken]);
    ++taken;
    switch (state_) {
      case State::size: {
        const int digit = hex_digit(c);
        if (digit >= 0) {
          if (++size_digits_ > size_digits_max) return malformed_body("a chunk size with too many digits");
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
          break;
        }
        if (size_digits_ == 0) return malformed_body("a chunk without a size");
        // 63 bits, as all lengths: nothing that is added to one of them may overflow.
        if (remaining_ > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
          return malformed_body("a chunk size beyond 2^63");
        }
        line_bytes_ = size_digits_;
        if (c == '\r') {
          state_ = State::size_end;
        } else if (c == ';' || c == ' ' || c == '\t') {
          state_ = State::extension;
        } else {
          return malformed_body("a chunk size that is no number");
        }
        break;
      }
      case State::extension:
        if (++line_bytes_ > size_line_bytes_max) {
          return Error(Errc::response_too_large, ErrorContext::remote_file, "a chunk extension is too long");
        }
        if (c == '\r') {
          state_ = State::size_end;
        } else if (!is_value_char(c)) {
          return malformed_body("a control character in a chunk extension");
        }
        break;
      case State::size_end:
        if (c != '\n') return malformed_body("a chunk size that does not end its line");
        state_ = remaining_ > 0 ? State::payload : State::trailer;
        line_bytes_ = 0;
        break;
      case State::payload_return:
        if (c != '\r') return malformed_body("a chunk that is longer than its size");
        state_ = State::payload_feed;
        break;
      case State::payload_feed:
        if (c != '\n') return malformed_body("a chunk that is longer than its size");
        state_ = State::size;
        size_digits_ = 0;
        remaining_ = 0;
        break;
      case State::trailer:
        if (++trailer_bytes_ > trailer_bytes_max) {
          return Error(Errc::response_too_large, ErrorContext::remote_file, "the trailers are too long");
        }
        if (c == '\r') {
          state_ = State::trailer_feed;
        } else if (!is_value_char(c)) {
          return malformed_body("a control character in a trailer");
        } else {
          ++line_bytes_;
        }
        break;
      case State::trailer_feed:
        if (c != '\n') return malformed_body("a carriage return without a line feed in a trailer");
        state_ = line_bytes_ == 0 ? State::done : State::trailer;
        line_bytes_ = 0;
        break;
      case State::payload:
      case State::done: break;
    }
  }
  return taken;
}

void ChunkedParser::take(std::uint64_t count) noexcept {
  assert(state_ == State::payload && count <= remaining_);
  remaining_ -= count;
  if (remaining_ == 0) state_ = State::payload_return;
}

}  // namespace bgxfer::inline v0::http::detail
