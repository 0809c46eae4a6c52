#ifndef BGXFER_NETWORKMANAGER_COST_SOURCE_HPP
#define BGXFER_NETWORKMANAGER_COST_SOURCE_HPP

#include <functional>
#include <memory>
#include <string>

#include <bgxfer/config.hpp>
#include <bgxfer/cost.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::networkmanager {

struct CostSourceOptions {
  /// Where the bus listens, as D-Bus spells it. Empty: the system bus.
  std::string bus_address{};
};

/// Watches what NetworkManager says of the network's cost (its property Metered, over D-Bus) while it lives.
///
/// A metered connection, or one that NetworkManager takes for one, is `CostState::capped_usage_unknown`: it does not
/// say how much of a plan is left, nor who pays. Every other is `unrestricted`, and so is not knowing: no
/// NetworkManager, or one that has gone. It is never started for this.
class BGXFER_API CostSource {
 public:
  virtual ~CostSource();
};

/// Calls `changed` on `executor` with the cost once it is known, and whenever it becomes another; usually it hands it
/// to `TransferQueue::cost_changed`. Nothing blocks. The executor, that of an `io_context`, has work while the source
/// lives, and nobody else may use the source there meanwhile: destroy it on that executor, or after its `io_context`
/// has stopped; `changed` is not called from then on.
///
/// The error is that of the bus: there is none, or it does not let us in.
[[nodiscard]] BGXFER_API Result<std::unique_ptr<CostSource>> make_cost_source(asio::any_io_executor executor,
                                                                              std::function<void(NetworkCost)> changed,
                                                                              CostSourceOptions options = {});

}  // namespace bgxfer::inline v0::networkmanager

#endif
