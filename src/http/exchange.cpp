#include "exchange.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

namespace bgxfer::inline v0::http::detail {

namespace {

constexpr std::size_t upload_buffer_bytes = 64 * 1024;
/// Of a refusal, where its connection is needed.
constexpr std::size_t refusal_bytes_max = 256 * 1024;

/// Request Timeout, Misdirected Request, Too Early: what was wrong was wrong with the connection (RFC 9110 sections
/// 15.5.9 and 15.5.20; RFC 8470 section 5.2).
bool asks_for_another_connection(int status) noexcept { return status == 408 || status == 421 || status == 425; }

}  // namespace

Exchange::Exchange(Pool::Lease lease, std::unique_ptr<Connection> connection, const asio::any_io_executor& executor,
                   std::shared_ptr<Clock> clock, ExchangeLimits limits)
    : lease_(std::move(lease)),
      connection_(std::move(connection)),
      executor_(executor),
      clock_(std::move(clock)),
      limits_(limits),
      parser_(limits.head),
      public_peer_(connection_->stream().public_peer()) {
  const Clock::Duration tick = std::min(limits_.first_byte_timeout, limits_.stall_timeout);
  watchdog_ = &connection_->watchdog(executor_, clock_, tick);
}

asio::awaitable<Result<void>> Exchange::run(const Request& request, std::string head) {
  method_ = request.method;
  const Result<void> sent = co_await send(request, std::move(head));
  whole_ = sent.has_value();
  if (!sent && body_failed_) co_return sent.error();
  // A server may refuse an upload in the middle and say why: its answer explains more than the broken pipe.
  if (!sent && (!request.body || watchdog_->barked() || sent.error().code() == Failure::cancelled)) {
    co_return explained(sent.error());
  }
  watchdog_->expect_within(limits_.first_byte_timeout);
  const Result<void> received = co_await receive_head();
  watchdog_->relax();
  if (received) co_return received;
  if (!sent && !answered_) co_return explained(sent.error());
  if (watchdog_->barked()) co_return Error(Errc::response_timeout, ErrorContext::transport);
  co_return received;
}

asio::awaitable<Result<void>> Exchange::send(const Request& request, std::string head) {
  watchdog_->expect_within(limits_.stall_timeout);
  const Result<void> sent = co_await connection_->stream().write(std::as_bytes(std::span(head)));
  watchdog_->relax();
  if (!sent || !request.body) co_return sent;

  std::vector<std::byte> buffer(upload_buffer_bytes);
  std::uint64_t remaining = request.body->size();
  while (remaining > 0) {
    const std::span<std::byte> room = std::span(buffer).first(std::min<std::uint64_t>(remaining, buffer.size()));
    const Result<std::size_t> count = co_await request.body->read(room);
    // The length has been announced; a body that ends early leaves nothing but to hang up.
    body_failed_ = !count || *count == 0;
    if (!count) co_return count.error();
    if (body_failed_) {
      co_return Error(Errc::invalid_argument, ErrorContext::local_file, "the request body ended early");
    }
    watchdog_->expect_within(limits_.stall_timeout);
    const Result<void> written = co_await connection_->stream().write(room.first(*count));
    watchdog_->relax();
    if (!written) co_return written;
    remaining -= *count;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Exchange::receive_head() {
  while (!parser_.done()) {
    const std::span<std::byte> room = connection_->room();
    const Result<std::size_t> count = co_await connection_->stream().read(room);
    if (!count) co_return count.error();
    if (*count == 0) co_return Error(Errc::connection_closed, ErrorContext::transport);
    answered_ = true;
    connection_->filled(*count);
    const Result<std::size_t> taken = parser_.feed(connection_->buffered());
    if (!taken) co_return taken.error();
    connection_->consume(*taken);
  }
  const Result<Framing> framing = framing_of(parser_.head(), method_);
  if (!framing) co_return framing.error();
  framing_ = *framing;
  co_return Result<void>{};
}

void Exchange::expect_body(std::uint64_t length_max) {
  body_.emplace(framing_, length_max);
  if (body_->done()) finish();
}

asio::awaitable<Result<std::size_t>> Exchange::read(std::span<std::byte> into) {
  if (failure_) co_return *failure_;
  if (into.empty()) co_return std::size_t{0};
  while (!body_->done()) {
    if (!connection_->buffered().empty() || body_->damaged()) {
      const Result<BodyReader::Step> step = body_->take(connection_->buffered(), into);
      if (!step) {
        failure_ = step.error();
        abandon();
        co_return *failure_;
      }
      connection_->consume(step->consumed);
      if (body_->done()) finish();
      if (step->delivered > 0) co_return step->delivered;
      continue;
    }

    if (slow_) {
      failure_ = Error(Errc::stalled, ErrorContext::transport,
                       "less than " + std::to_string(limits_.slow_bytes_per_second) + " bytes per second");
      abandon();
      co_return *failure_;
    }

    const std::size_t direct = body_->direct(into.size());
    const std::span<std::byte> room = direct > 0 ? into.first(direct) : connection_->room();
    const Clock::TimePoint began = clock_->now();
    watchdog_->expect_within(limits_.stall_timeout);
    const Result<std::size_t> count = co_await connection_->stream().read(room);
    watchdog_->relax();
    if (count) slow_ = too_slow(clock_->now() - began, *count);
    if (!count || *count == 0) {
      const Result<void> ended = count ? body_->stream_ended() : Result<void>(explained(count.error()));
      if (!ended) {
        failure_ = ended.error();
        abandon();
        co_return *failure_;
      }
      finish();
    } else if (direct > 0) {
      body_->delivered(*count);
      if (body_->done()) finish();
      co_return *count;
    } else {
      connection_->filled(*count);
    }
  }
  co_return std::size_t{0};
}

/// Judges the average of every `slow_after` spent in reads, so that a reader who takes its time is never the cause.
bool Exchange::too_slow(Clock::Duration waited, std::size_t bytes) noexcept {
  waited_ += waited;
  waited_bytes_ += bytes;
  if (waited_ < limits_.slow_after || limits_.slow_bytes_per_second == 0) return false;
  const std::chrono::duration<double> seconds = waited_;
  const bool slow =
      static_cast<double>(waited_bytes_) < seconds.count() * static_cast<double>(limits_.slow_bytes_per_second);
  waited_ = {};
  waited_bytes_ = 0;
  return slow;
}

void Exchange::discard_body() {
  expect_body(ByteRange::to_end);
  std::byte sink[1024];
  while (!body_->done() && !connection_->buffered().empty()) {
    const Result<BodyReader::Step> step = body_->take(connection_->buffered(), sink);
    if (!step) break;
    connection_->consume(step->consumed);
    if (body_->done()) finish();
  }
  abandon();
}

asio::awaitable<std::unique_ptr<BoundConnection>> Exchange::bound_connection() {
  bound_ = true;
  expect_body(ByteRange::to_end);
  std::vector<std::byte> sink(4096);
  for (std::size_t bytes = 0; lease_ && !body_->done() && bytes < refusal_bytes_max;) {
    const Result<std::size_t> count = co_await read(sink);
    if (!count) break;
    bytes += *count;
  }
  if (!lease_ || !connection_ || !body_->done()) {
    abandon();
    co_return std::unique_ptr<BoundConnection>();
  }
  watchdog_ = nullptr;
  auto bound = std::make_unique<BoundConnection>(*std::move(lease_), std::move(connection_));
  lease_.reset();
  co_return bound;
}

Pool::Lease Exchange::take_lease() {
  assert(lease_);
  watchdog_ = nullptr;
  connection_.reset();
  Pool::Lease lease = *std::move(lease_);
  lease_.reset();
  return lease;
}

/// Says what the watchdog knows and the stream does not.
Error Exchange::explained(const Error& error) const {
  if (timed_out()) return Error(Errc::stalled, ErrorContext::transport);
  // The body broke off: whatever the system calls it, what arrived is good and the rest is still to be had.
  if (body_ && error.code() != Failure::cancelled)
    return Error(Errc::body_truncated, ErrorContext::transport, error.message());
  return error;
}

/// The body is complete: the connection is free for others, at once and not when the download dies.
void Exchange::finish() {
  watchdog_ = nullptr;
  if (!lease_) return;
  const bool kept = whole_ && connection_->buffered().empty() && !body_->overlong() &&
                    framing_.kind != Framing::Kind::to_close && parser_.head().keeps_alive() &&
                    !asks_for_another_connection(parser_.head().status);
  if (kept && bound_) return;
  if (kept) lease_->keep(std::move(connection_), executor_);
  abandon();
}

void Exchange::abandon() noexcept {
  watchdog_ = nullptr;
  connection_.reset();
  lease_.reset();
}

}  // namespace bgxfer::inline v0::http::detail
