#ifndef BGXFER_HTTP_POOL_HPP
#define BGXFER_HTTP_POOL_HPP

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/result.hpp>

#include "companion.hpp"
#include "connection.hpp"
#include "route.hpp"

namespace bgxfer::inline v0::http::detail {

struct PoolLimits {
  std::size_t connections_per_host_max = 6;
  std::size_t idle_connections_max = 64;
  Clock::Duration idle_timeout = std::chrono::seconds{30};
  Clock::Duration quiet_timeout = std::chrono::seconds{1};
};

/// Who may connect on which route, and which connections wait there for the next request. Any thread.
///
/// The lock is held for short steps and never across an await; connections are closed outside of it. A coroutine closes
/// what has been idle for too long; it runs only while there is something idle.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  /// The right to have one connection on a route. Gives it back when it dies, to whoever has waited longest.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    /// A kept connection that looks alive, the one used last; empty if there is none.
    [[nodiscard]] std::unique_ptr<Connection> take_idle(bool public_peers_only);
    /// Keeps a connection for the next lease, if it is fit for it. `executor` runs what closes it some day.
    void keep(std::unique_ptr<Connection> connection, const asio::any_io_executor& executor);

   private:
    friend class Pool;
    Lease(std::shared_ptr<Pool> pool, Route route) : pool_(std::move(pool)), route_(std::move(route)) {}

    std::shared_ptr<Pool> pool_;
    Route route_;
  };

  Pool(PoolLimits limits, std::shared_ptr<Clock> clock) : limits_(limits), clock_(std::move(clock)) {}

  /// Waits until the route has room for one more connection. First come, first served; cancellable.
  asio::awaitable<Result<Lease>> leased(Route route);

  /// Closes every idle connection.
  void clear() noexcept;

 private:
  struct Waiter;
  class Place;
  struct Idle {
    std::unique_ptr<Connection> connection;
    Clock::TimePoint since;
  };
  struct Host {
    std::size_t leases = 0;
    std::list<std::shared_ptr<Waiter>> waiters{};
    std::vector<Idle> idle{};
  };
  using Closing = std::vector<std::unique_ptr<Connection>>;

  static asio::awaitable<void> suspended(std::shared_ptr<Pool> pool, std::shared_ptr<Waiter> waiter);
  void release(const Route& route) noexcept;
  Closing take_expired(Clock::TimePoint now);
  Closing take_oldest();
  void forget_if_unused(const Route& route);
  std::optional<Clock::TimePoint> reap();
  static asio::awaitable<void> reap_idle(std::weak_ptr<Pool> pool, std::shared_ptr<Clock> clock);

  const PoolLimits limits_;
  const std::shared_ptr<Clock> clock_;

  mutable std::mutex mutex_;
  std::map<Route, Host> hosts_;
  std::size_t leases_ = 0;
  std::size_t idle_ = 0;
  Clock::TimePoint quiet_since_{};  // When `leases_` became 0.
  Companion reaper_;
  bool reaping_ = false;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
