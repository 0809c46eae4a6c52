#include "pool.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include "../base/mutant.hpp"
#include "../ports/suspension.hpp"

namespace bgxfer::inline v0::http::detail {

/// A coroutine in the queue. All members are guarded by the pool's mutex.
struct Pool::Waiter {
  bgxfer::detail::Suspension suspension;  // Empty while the coroutine does not sleep.
  bool granted = false;
};

/// The waiter's place in the queue: left in whatever way the coroutine ends, and a lease that came too late passed on.
class Pool::Place {
 public:
  Place(Pool& pool, const Route& route, std::shared_ptr<Waiter> waiter)
      : pool_(pool), route_(route), waiter_(std::move(waiter)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    bool unused_grant = false;
    {
      const std::lock_guard lock(pool_.mutex_);
      unused_grant = waiter_->granted && !taken_;
      if (!waiter_->granted) {
        pool_.hosts_[route_].waiters.remove(waiter_);
        pool_.forget_if_unused(route_);
      }
    }
    if (unused_grant) pool_.release(route_);
  }
  [[nodiscard]] bool take() {
    const std::lock_guard lock(pool_.mutex_);
    return taken_ = waiter_->granted;
  }

 private:
  Pool& pool_;
  const Route& route_;
  const std::shared_ptr<Waiter> waiter_;
  bool taken_ = false;
};

Pool::Lease::~Lease() {
  if (pool_) pool_->release(route_);
}

std::unique_ptr<Connection> Pool::Lease::take_idle(bool public_peers_only) {
  for (;;) {
    std::unique_ptr<Connection> candidate;
    Closing closing;  // Dies outside of the lock: closing may take a system call or two.
    {
      const std::lock_guard lock(pool_->mutex_);
      closing = pool_->take_expired(pool_->clock_->now());
      std::vector<Idle>& idle = pool_->hosts_[route_].idle;
      const auto found = std::find_if(idle.rbegin(), idle.rend(), [public_peers_only](const Idle& entry) {
        return !public_peers_only || entry.connection->stream().public_peer();
      });
      if (found == idle.rend()) return nullptr;
      candidate = std::move(found->connection);
      idle.erase(std::next(found).base());
      --pool_->idle_;
    }
    if (candidate->reusable()) return candidate;
  }
}

void Pool::Lease::keep(std::unique_ptr<Connection> connection, const asio::any_io_executor& executor) {
  if (!connection->reusable()) return;
  Closing closing;
  const std::lock_guard lock(pool_->mutex_);
  const Clock::TimePoint now = pool_->clock_->now();
  closing = pool_->take_expired(now);
  if (pool_->idle_ >= pool_->limits_.idle_connections_max) {
    for (auto& oldest : pool_->take_oldest()) closing.push_back(std::move(oldest));
  }
  pool_->hosts_[route_].idle.push_back(Idle{std::move(connection), now});
  ++pool_->idle_;
  if (pool_->reaping_ && pool_->reaper_.running()) return;
  pool_->reaping_ = true;
  pool_->reaper_ = Companion(executor, reap_idle(pool_, pool_->clock_));
}

asio::awaitable<Result<Pool::Lease>> Pool::leased(Route route) {
  const auto waiter = std::make_shared<Waiter>();
  {
    const std::lock_guard lock(mutex_);
    Host& host = hosts_[route];
    if (host.leases < limits_.connections_per_host_max && host.waiters.empty()) {
      ++host.leases;
      ++leases_;
      co_return Lease(shared_from_this(), std::move(route));
    }
    host.waiters.push_back(waiter);
  }
  Place place(*this, route, waiter);
  // A cancellation that came while nothing was pending left no trace but this.
  const asio::cancellation_state before = co_await asio::this_coro::cancellation_state;
  if (before.cancelled() == asio::cancellation_type::none) co_await suspended(shared_from_this(), waiter);
  Route taken = route;
  if (place.take()) co_return Lease(shared_from_this(), std::move(taken));
  co_return Error(Errc::cancelled, ErrorContext::transport);
}

/// Sleeps until the lease is granted or the coroutine is cancelled.
asio::awaitable<void> Pool::suspended(std::shared_ptr<Pool> pool, std::shared_ptr<Waiter> waiter) {
  using bgxfer::detail::Suspension;
  auto begin = [pool = std::move(pool), waiter = std::move(waiter)](Suspension sleeper, asio::cancellation_slot slot) {
    const std::lock_guard lock(pool->mutex_);
    if (waiter->granted) {
      sleeper.resume();
      return;
    }
    waiter->suspension = std::move(sleeper);
    if (!slot.is_connected()) return;
    // A copy of the slot's callback may stay behind; it then finds nobody to wake.
    slot.assign([pool = std::weak_ptr(pool), waiter = std::weak_ptr(waiter)](asio::cancellation_type) {
      const std::shared_ptr<Pool> alive = pool.lock();
      const std::shared_ptr<Waiter> waiting = waiter.lock();
      if (!alive || !waiting) return;
      const std::lock_guard cancel_lock(alive->mutex_);
      if (waiting->suspension) waiting->suspension.resume();
    });
  };
  return bgxfer::detail::suspend(std::move(begin));
}

void Pool::clear() noexcept {
  Closing closing;
  Companion reaper;
  const std::lock_guard lock(mutex_);
  for (auto host = hosts_.begin(); host != hosts_.end();) {
    for (Idle& entry : host->second.idle) closing.push_back(std::move(entry.connection));
    host->second.idle.clear();
    const Host& rest = host->second;
    host = rest.leases == 0 && rest.waiters.empty() ? hosts_.erase(host) : std::next(host);
  }
  idle_ = 0;
  reaping_ = false;
  std::swap(reaper, reaper_);
}

void Pool::release(const Route& route) noexcept {
  const std::lock_guard lock(mutex_);
  Host& host = hosts_[route];
  assert(host.leases > 0);
  if (!host.waiters.empty()) {
    // The lease changes hands without being free in between, so nobody can overtake.
    const std::shared_ptr<Waiter> next = std::move(host.waiters.front());
    host.waiters.pop_front();
    next->granted = true;
    if (next->suspension && !BGXFER_MUTANT(30)) next->suspension.resume();
    return;
  }
  --host.leases;
  if (--leases_ == 0) quiet_since_ = clock_->now();
  forget_if_unused(route);
}

/// Takes out what is too old to be used again. The caller holds the lock.
Pool::Closing Pool::take_expired(Clock::TimePoint now) {
  Closing expired;
  if (idle_ == 0) return expired;
  expired.reserve(idle_);  // Nothing may fail in the middle.
  const bool quiet = leases_ == 0 && now - quiet_since_ >= limits_.quiet_timeout;
  for (auto& [route, host] : hosts_) {
    std::erase_if(host.idle, [&](Idle& entry) {
      if (!quiet && now - entry.since < limits_.idle_timeout) return false;
      expired.push_back(std::move(entry.connection));
      return true;
    });
  }
  idle_ -= expired.size();
  return expired;
}

/// Takes out the connection that has been idle for longest. The caller holds the lock.
Pool::Closing Pool::take_oldest() {
  std::vector<Idle>* oldest = nullptr;
  for (auto& [route, host] : hosts_) {
    if (!host.idle.empty() && (!oldest || host.idle.front().since < oldest->front().since)) oldest = &host.idle;
  }
  Closing closing;
  if (!oldest) return closing;
  closing.push_back(std::move(oldest->front().connection));
  oldest->erase(oldest->begin());
  --idle_;
  return closing;
}

void Pool::forget_if_unused(const Route& route) {
  const auto found = hosts_.find(route);
  if (found == hosts_.end()) return;
  const Host& host = found->second;
  if (host.leases == 0 && host.waiters.empty() && host.idle.empty()) hosts_.erase(found);
}

/// Closes what has expired; says when to look again, or nothing if there is nothing left to look at.
std::optional<Clock::TimePoint> Pool::reap() {
  Closing closing;
  const std::lock_guard lock(mutex_);
  const Clock::TimePoint now = clock_->now();
  closing = take_expired(now);
  std::erase_if(hosts_, [](const auto& entry) {
    const Host& host = entry.second;
    return host.leases == 0 && host.waiters.empty() && host.idle.empty();
  });
  if (idle_ == 0) {
    reaping_ = false;
    return std::nullopt;
  }
  // While transfers run it looks once per quiet timeout, since the moment when the last one ends is not known
  // beforehand.
  Clock::TimePoint next = (leases_ == 0 ? quiet_since_ : now) + limits_.quiet_timeout;
  for (const auto& [route, host] : hosts_) {
    if (!host.idle.empty()) next = std::min(next, host.idle.front().since + limits_.idle_timeout);
  }
  return next;
}

asio::awaitable<void> Pool::reap_idle(std::weak_ptr<Pool> weak, std::shared_ptr<Clock> clock) {
  for (;;) {
    std::optional<Clock::TimePoint> next;
    if (const std::shared_ptr<Pool> pool = weak.lock()) next = pool->reap();
    if (!next) co_return;
    co_await clock->sleep_until(*next);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

}  // namespace bgxfer::inline v0::http::detail
