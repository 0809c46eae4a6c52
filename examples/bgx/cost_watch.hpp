#ifndef BGX_COST_WATCH_HPP
#define BGX_COST_WATCH_HPP

#include <memory>

#include <bgxfer/bgxfer.hpp>

namespace bgx {

/// Tells the queue what the network costs, for as long as the result lives. Empty where there is nobody to ask: no
/// system bus, or a bgx that was built without it. The queue then takes the network for unrestricted.
[[nodiscard]] std::shared_ptr<void> watch_cost(const asio::any_io_executor& executor, bgxfer::TransferQueue& queue);

}  // namespace bgx

#endif
