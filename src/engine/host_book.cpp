#include "host_book.hpp"

#include <algorithm>

#include "../base/ascii.hpp"
#include "alarm.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Whether a failure is one of the server, or of the way to it, and not of the file.
bool is_of_origin(const Error& error) {
  if (error.code() == Errc::cancelled) return false;
  if (error.context() == ErrorContext::transport || refusal_of(error) != Refusal::none) return true;
  return error.code().category() == http_category() && error.code().value() >= 500;
}

}  // namespace

std::string origin_of(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::string();
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view authority = url.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) authority.remove_prefix(user + 1);
  const std::string_view usual = equal_ignoring_case(scheme, "https")  ? ":443"
                                 : equal_ignoring_case(scheme, "http") ? ":80"
                                                                       : ":";
  if (authority.ends_with(usual)) authority.remove_suffix(usual.size());
  std::string origin(url.substr(0, scheme_end + 3));
  origin += authority;
  std::transform(origin.begin(), origin.end(), origin.begin(), to_lower);
  return origin;
}

Refusal refusal_of(const Error& error) noexcept {
  if (error.code() == http_status(503) || error.code() == http_status(429)) return Refusal::slow_down;
  if (error.context() != ErrorContext::transport) return Refusal::none;
  const bool shut = error.code() == Errc::connection_closed || error.code() == std::errc::connection_refused ||
                    error.code() == std::errc::connection_reset;
  return shut ? Refusal::no_room : Refusal::none;
}

// --- one origin ---

std::size_t Origin::connections_max(Clock::TimePoint now) const {
  if (!cap) return SIZE_MAX;
  return cap->connections + static_cast<std::size_t>((now - cap->since) / cap->patience);
}

std::optional<Clock::TimePoint> Origin::next_raise(Clock::TimePoint now) const {
  if (!cap) return std::nullopt;
  return cap->since + ((now - cap->since) / cap->patience + 1) * cap->patience;
}

void Origin::left(const Visit& visit, Clock::TimePoint began, Clock::TimePoint now) {
  --connections;
  if (visit.bytes_per_second > 0) {
    bytes_per_second = bytes_per_second > 0 ? (bytes_per_second + visit.bytes_per_second) / 2 : visit.bytes_per_second;
  }
  const bool served = !visit.error || visit.brought > 0;
  if (served || visit.error->code().category() == http_category()) answered = now;
  if (served) {
    failed.reset();
    return;
  }
  if (is_of_origin(*visit.error)) failed = now;
  turned_down(*visit.error, began, now);
}

/// Who is let in shows how many it takes; a server that asks for less gets half. One that turns down everybody is down,
/// and says nothing of how many it takes otherwise.
void Origin::turned_down(const Error& error, Clock::TimePoint began, Clock::TimePoint now) {
  const Refusal refusal = refusal_of(error);
  const std::size_t others = connections;
  if (refusal == Refusal::none || (others == 0 && !cap)) return;
  const bool slow_down = refusal == Refusal::slow_down;
  const std::size_t most = std::max<std::size_t>(others, 1);
  const bool further = cap && began <= cap->since;  // One more of those that were asked before it was lowered.
  const bool down = others == 0 && (!answered || *answered < began);
  if (down) {
    if (further) cap = cap_before;
    return;
  }
  if (!further) cap_before = cap;

  Cap lowered;
  lowered.since = now;
  lowered.patience = cap ? cap->patience : patience_min;
  if (!cap) {
    lowered.connections = slow_down ? (others + 1) / 2 : others;
  } else if (further) {
    lowered.connections = std::min(cap->connections, most);  // No more is learned from it.
  } else if (others >= cap->connections) {
    lowered.connections = std::min(others, connections_max(now));  // The one more that was tried.
    if (slow_down) lowered.patience = std::min(2 * lowered.patience, patience_max);
  } else {
    lowered.connections = std::min(slow_down ? cap->connections / 2 : cap->connections, most);
  }
  lowered.connections = std::max<std::size_t>(lowered.connections, 1);
  if (error.retry_after())
    lowered.patience = std::clamp<Clock::Duration>(*error.retry_after(), lowered.patience, patience_max);
  cap = lowered;
}

// --- all of them ---

/// Somebody who waits at an origin, as long as this lives.
class HostBook::Waiting {
 public:
  Waiting(std::shared_ptr<HostBook> book, const std::string& origin) : book_(std::move(book)) {
    std::lock_guard lock(book_->mutex_);
    page_ = &book_->page(origin);
    ++page_->origin.waiting;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    std::lock_guard lock(book_->mutex_);
    --page_->origin.waiting;
  }

  [[nodiscard]] Page& page() noexcept { return *page_; }

 private:
  std::shared_ptr<HostBook> book_;
  Page* page_ = nullptr;
};

Origin HostBook::known(const std::string& origin) const {
  std::lock_guard lock(mutex_);
  const auto found = index_.find(origin);
  return found == index_.end() ? Origin() : found->second->origin;
}

std::optional<HostBook::Seat> HostBook::try_enter(const std::string& origin, Clock::TimePoint now) {
  std::lock_guard lock(mutex_);
  Page& it = page(origin);
  if (it.origin.waiting > 0 || !it.origin.has_room(now)) return std::nullopt;
  return seat(it, now);
}

asio::awaitable<HostBook::Seat> HostBook::entered(std::string origin, std::shared_ptr<Clock> clock,
                                                  asio::any_io_executor strand, const std::atomic<bool>& stopping) {
  Waiting waiting(shared_from_this(), origin);
  Page& page = waiting.page();
  const Clock::TimePoint until = clock->now() + wait_max;
  Alarm alarm(std::move(strand), clock, [&page] { page.changed.notify(); });
  for (;;) {
    const std::uint64_t seen = page.changed.version();
    const Clock::TimePoint now = clock->now();
    Clock::TimePoint look_again = until;
    std::optional<Seat> found;
    {
      std::lock_guard lock(mutex_);
      if (stopping || now >= until || page.origin.has_room(now)) found.emplace(seat(page, now));
      look_again = std::min(until, page.origin.next_raise(now).value_or(until));
    }
    alarm.set(found ? std::nullopt : std::optional(look_again));
    if (found) co_return *std::move(found);
    co_await page.changed.changed_since(seen);
  }
}

void HostBook::distrust(const std::string& origin, Clock::TimePoint now) {
  std::lock_guard lock(mutex_);
  page(origin).origin.failed = now;
}

void HostBook::leave(const Seat& seat, const Visit* visit, Clock::TimePoint now) {
  std::lock_guard lock(mutex_);
  Origin& it = seat.page_->origin;
  if (visit) {
    it.left(*visit, seat.began_, now);
  } else {
    --it.connections;
  }
  if (it.waiting > 0) seat.page_->changed.notify();  // It resumes nobody inside of this call.
}

/// What is written down of an origin, which becomes the one used last. The page stays where it is while somebody is at
/// work there, or waits.
HostBook::Page& HostBook::page(const std::string& origin) {
  if (const auto found = index_.find(origin); found != index_.end()) {
    pages_.splice(pages_.begin(), pages_, found->second);
    return *found->second;
  }
  for (auto it = pages_.end(); pages_.size() >= origins_max_ && it != pages_.begin();) {
    --it;
    if (it->origin.connections > 0 || it->origin.waiting > 0) continue;
    index_.erase(it->name);
    it = pages_.erase(it);
  }
  pages_.emplace_front(origin);
  index_.emplace(pages_.front().name, pages_.begin());
  return pages_.front();
}

HostBook::Seat HostBook::seat(Page& page, Clock::TimePoint now) {
  ++page.origin.connections;
  return Seat(shared_from_this(), page, now);
}

}  // namespace bgxfer::inline v0::detail
