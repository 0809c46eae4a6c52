#ifndef BGXFER_REQUEST_PROVIDER_HPP
#define BGXFER_REQUEST_PROVIDER_HPP

#include <optional>
#include <string>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// A request that is about to be made.
struct RequestQuestion {
  JobId job{};
  FileIndex file{};
  std::string url{};  ///< The file's own.
  /// Why the last answer was of no use: HTTP status 401 or 403. Empty before the first attempt.
  std::optional<Error> refused{};
};

/// What to ask the server for instead. Used for this request, never stored.
struct RequestAnswer {
  std::string url{};              ///< The same resource at another place, or signed afresh. Empty: the file's own URL.
  std::vector<Header> headers{};  ///< Sent beside the job's own, under the same rules.
};

/// Makes URLs and headers at the moment they are needed: for signed URLs that expire, and tokens that are renewed.
///
/// A queue has one for all its jobs, so it needs no handing in again after a restart. Asked before each request; asked
/// once more when the server refuses the answer with 401 or 403, and only then does the job fail. What has arrived is
/// kept: whether the resource is still the same is checked as after any interruption (docs/bad_servers.md, row 36).
class BGXFER_API RequestProvider {
 public:
  virtual ~RequestProvider();
  /// Called by any number of coroutines, on the queue's executor. A failure is a failure of the file.
  virtual asio::awaitable<Result<RequestAnswer>> answer(RequestQuestion question) = 0;
};

}  // namespace bgxfer::inline v0

#endif
