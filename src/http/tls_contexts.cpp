#include "tls_contexts.hpp"

#include <algorithm>

namespace bgxfer::inline v0::http::detail {

Result<std::shared_ptr<TlsContext>> TlsContexts::find(const TlsOptions& options) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&options](const auto& entry) { return entry.first == options; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().second;
  }
  Result<std::shared_ptr<TlsContext>> made = TlsContext::make(ca_bundle_, options);
  if (!made) return made;
  entries_.emplace_front(options, *made);
  if (entries_.size() > contexts_max) entries_.pop_back();
  return made;
}

}  // namespace bgxfer::inline v0::http::detail
