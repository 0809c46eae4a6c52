#ifndef BGXFER_HTTP_TLS_CONTEXTS_HPP
#define BGXFER_HTTP_TLS_CONTEXTS_HPP

#include <cstddef>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include <bgxfer/http_options.hpp>

#include "tls.hpp"

namespace bgxfer::inline v0::http::detail {

/// The contexts of one network, one for each way to verify: sessions and accepted certificates of one never serve
/// another. Any thread.
class TlsContexts {
 public:
  /// The ones used last are kept.
  static constexpr std::size_t contexts_max = 32;

  explicit TlsContexts(std::filesystem::path ca_bundle) : ca_bundle_(std::move(ca_bundle)) {}

  /// Made when it is first needed: reading the system's trust store takes milliseconds, and many hosts speak no TLS.
  [[nodiscard]] Result<std::shared_ptr<TlsContext>> find(const TlsOptions& options);

 private:
  const std::filesystem::path ca_bundle_;
  std::mutex mutex_;
  std::list<std::pair<TlsOptions, std::shared_ptr<TlsContext>>> entries_;  // The one used last comes first.
};

}  // namespace bgxfer::inline v0::http::detail

#endif
