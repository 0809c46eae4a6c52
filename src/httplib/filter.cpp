#include "filter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace bgxfer::inline v0::httplib::detail {

namespace {

http::detail::HeadLimits head_limits(const TransportOptions& options) {
  http::detail::HeadLimits limits;
  limits.head_bytes_max = options.response_head_bytes_max;
  limits.fields_max = options.response_fields_max;
  return limits;
}

Wire::TimePoint from_now(std::chrono::milliseconds delay) { return std::chrono::steady_clock::now() + delay; }

}  // namespace

Filter::Filter(Transfer& transfer, Wire& wire, const TransportOptions& options)
    : transfer_(transfer),
      wire_(wire),
      options_(options),
      parser_(head_limits(options)),
      shown_head_("HTTP/1.1 200 OK\r\n\r\n"),
      buffer_(buffer_bytes) {}

std::ptrdiff_t Filter::read(std::span<std::byte> into) {
  if (failure_ || (!body_ && !open())) return -1;
  if (shown_head_.empty()) return read_body(into);
  const std::size_t count = std::min(into.size(), shown_head_.size());
  std::memcpy(into.data(), shown_head_.data(), count);
  shown_head_.remove_prefix(count);
  return static_cast<std::ptrdiff_t>(count);
}

bool Filter::open() {
  const Result<void> received = receive_head();
  if (!received) {
    fail(received.error());
    return false;
  }
  transfer_.head = std::move(parser_.head());
  transfer_.handoff.answer();
  if (!transfer_.handoff.wait_for_question()) return false;
  body_.emplace(transfer_.framing, transfer_.length_max);
  return true;
}

Result<void> Filter::receive_head() {
  const Wire::TimePoint deadline = from_now(options_.first_byte_timeout);
  while (!parser_.done()) {
    const Result<std::size_t> count = fill(deadline);
    if (!count && count.error().code() == Errc::stalled) return Error(Errc::response_timeout, ErrorContext::transport);
    if (!count) return count.error();
    if (*count == 0) return Error(Errc::connection_closed, ErrorContext::transport);
    const Result<std::size_t> taken = parser_.feed(buffered());
    if (!taken) return taken.error();
    begin_ += *taken;
  }
  const Result<http::detail::Framing> framing = http::detail::framing_of(parser_.head(), transfer_.request.method);
  if (!framing) return framing.error();
  transfer_.framing = *framing;
  return {};
}

std::ptrdiff_t Filter::read_body(std::span<std::byte> into) {
  while (!body_->done()) {
    if (!buffered().empty() || body_->damaged()) {
      const Result<http::detail::BodyReader::Step> step = body_->take(buffered(), into);
      if (!step) return fail(step.error());
      begin_ += step->consumed;
      if (step->delivered > 0) return static_cast<std::ptrdiff_t>(step->delivered);
      continue;
    }
    // Before the socket is waited for, whoever asks gets what is here.
    if (!transfer_.bytes.empty()) transfer_.handoff.answer();
    if (!transfer_.handoff.wait_for_question()) return -1;
    const Result<std::size_t> count = fill(from_now(options_.stall_timeout));
    if (!count) return fail(count.error());
    if (*count > 0) continue;
    const Result<void> ended = body_->stream_ended();
    if (!ended) return fail(ended.error());
  }
  return 0;
}

/// Reads into the buffer, which is empty.
Result<std::size_t> Filter::fill(Wire::TimePoint deadline) {
  begin_ = end_ = 0;
  const Result<std::size_t> count = wire_.read(buffer_, deadline);
  if (count) end_ = *count;
  return count;
}

std::ptrdiff_t Filter::fail(const Error& error) {
  failure_ = error;
  return -1;
}

}  // namespace bgxfer::inline v0::httplib::detail
