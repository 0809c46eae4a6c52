#ifndef BGXFER_HTTP_GSS_THREAD_HPP
#define BGXFER_HTTP_GSS_THREAD_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>
#include <bgxfer/result.hpp>

#include "authenticator.hpp"

namespace bgxfer::inline v0::http::detail {

/// A thread for GSSAPI, whose calls may wait for a KDC or for a name server. It starts with the first call, so hosts
/// without Negotiate and NTLM never have it. The destructor waits for the call that runs.
class GssThread {
 public:
  GssThread() = default;
  GssThread(const GssThread&) = delete;
  GssThread& operator=(const GssThread&) = delete;

  /// Puts what `proof` has to ask of GSSAPI before its next attempt, if anything, and gives it the answer. Cancelling
  /// resolves it soon, with `Errc::cancelled`, while the call goes on behind.
  static asio::awaitable<Result<void>> consult(std::shared_ptr<GssThread> thread, Authenticator& proof);

 private:
  struct Wait;
  static asio::awaitable<void> wait_for(std::shared_ptr<GssThread> thread, Authenticator::Question question,
                                        std::shared_ptr<Wait> wait);
  void add(std::function<void()> call);

  std::mutex mutex_;
  std::optional<asio::thread_pool> pool_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
