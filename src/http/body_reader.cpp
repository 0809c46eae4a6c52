#include "body_reader.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "../base/mutant.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Smaller chunks are cheaper to take out of one large read than to read one by one.
constexpr std::uint64_t direct_chunk_bytes_min = 16 * 1024;

Error body_cut(std::string why = {}) { return Error(Errc::body_truncated, ErrorContext::remote_file, std::move(why)); }

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t length_max) noexcept
    : kind_(framing.kind), remaining_(length_max), exact_(length_max != ByteRange::to_end) {
  if (kind_ == Framing::Kind::length) {
    remaining_ = std::min(remaining_, framing.length);
    overlong_ = framing.length > remaining_;
    done_ = remaining_ == 0;
    exact_ = true;
  } else if (kind_ == Framing::Kind::none) {
    done_ = true;
  }
}

Result<BodyReader::Step> BodyReader::take(std::span<const std::byte> buffered, std::span<std::byte> into) {
  assert(!done_);
  if (failure_) return *failure_;
  Step step;
  const auto copy = [&](std::uint64_t available) {
    const std::size_t count =
        static_cast<std::size_t>(std::min({available, std::uint64_t{buffered.size() - step.consumed},
                                           std::uint64_t{into.size() - step.delivered}, remaining_}));
    std::memcpy(into.data() + step.delivered, buffered.data() + step.consumed, count);
    step.consumed += count;
    step.delivered += count;
    delivered(count);
    return count;
  };

  if (kind_ != Framing::Kind::chunked) {
    copy(remaining_);
    // A body to the end of the connection may not outgrow what a Content-Range announced either.
    if (kind_ == Framing::Kind::to_close && remaining_ == 0) overlong_ = done_ = true;
    return step;
  }
  while (!done_ && step.consumed < buffered.size()) {
    if (chunked_.payload() > 0) {
      if (remaining_ == 0) {
        overlong_ = done_ = true;
        break;
      }
      if (copy(chunked_.payload()) == 0) break;
      continue;
    }
    const Result<std::size_t> skipped = chunked_.skip_framing(buffered.subspan(step.consumed));
    if (!skipped && BGXFER_MUTANT(24)) {
      done_ = true;
    } else if (!skipped) {
      failure_ = skipped.error();
    } else {
      step.consumed += *skipped;
      if (!chunked_.done()) continue;
      if (exact_ && remaining_ > 0) failure_ = body_cut("the last chunk came early");
    }
    // The payload before the damage is good.
    if (failure_ && step.delivered > 0) return step;
    if (failure_) return *failure_;
    done_ = true;
  }
  return step;
}

std::size_t BodyReader::direct(std::size_t wanted) const noexcept {
  std::uint64_t count = remaining_;
  if (kind_ == Framing::Kind::chunked) {
    const std::uint64_t payload = chunked_.payload();
    if (payload < direct_chunk_bytes_min) return 0;
    count = std::min(count, payload);
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(count, wanted));
}

void BodyReader::delivered(std::size_t count) noexcept {
  assert(count <= remaining_);
  if (remaining_ != ByteRange::to_end) remaining_ -= count;
  if (kind_ == Framing::Kind::chunked) {
    if (count > 0) chunked_.take(count);
  } else if (exact_ && remaining_ == 0) {
    done_ = true;
    if (kind_ == Framing::Kind::to_close) overlong_ = true;  // The connection has no other end.
  }
}

Result<void> BodyReader::stream_ended() {
  assert(!done_);
  if ((kind_ != Framing::Kind::to_close || exact_) && !BGXFER_MUTANT(7)) return body_cut();
  done_ = overlong_ = true;
  return {};
}

}  // namespace bgxfer::inline v0::http::detail
