#include "cost_watch.hpp"

#ifdef BGX_NETWORKMANAGER
#include <bgxfer/networkmanager/cost_source.hpp>
#endif

namespace bgx {

#ifdef BGX_NETWORKMANAGER

std::shared_ptr<void> watch_cost(const asio::any_io_executor& executor, bgxfer::TransferQueue& queue) {
  auto source = bgxfer::networkmanager::make_cost_source(
      executor, [&queue](bgxfer::NetworkCost cost) { queue.cost_changed(cost); });
  if (!source) return nullptr;
  queue.cost_changed({bgxfer::CostState::capped_usage_unknown});  // Until NetworkManager has answered.
  return *std::move(source);
}

#else

std::shared_ptr<void> watch_cost(const asio::any_io_executor&, bgxfer::TransferQueue&) { return nullptr; }

#endif

}  // namespace bgx
