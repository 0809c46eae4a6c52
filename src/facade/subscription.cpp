#include <bgxfer/subscription.hpp>

#include "../engine/event_hub.hpp"

namespace bgxfer::inline v0 {

Subscription::~Subscription() { reset(); }

void Subscription::reset() {
  if (auto registration = std::exchange(registration_, nullptr)) registration->cancel();
}

}  // namespace bgxfer::inline v0
