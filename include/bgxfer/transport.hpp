#ifndef BGXFER_TRANSPORT_HPP
#define BGXFER_TRANSPORT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bgxfer/byte_range.hpp>
#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/file_attributes.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/identity.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// The body of a request that sends one, pulled by the transport. Used by one coroutine at a time.
class BGXFER_API RequestBody {
 public:
  virtual ~RequestBody();
  /// How many bytes `read` will deliver in all; known before the request starts.
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// Fills the front of `into` and resolves with the byte count; 0 is the end.
  virtual asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;
};

/// A wish for bytes.
struct Request {
  explicit Request(std::string location) : url(std::move(location)) {}

  std::string url;
  std::string method = "GET";
  ByteRange range{};  ///< The bytes wanted. The default is the whole resource.
  /// Send the range only if the resource still carries this validator, as `ResponseHead::validator`
  /// gave it; else the whole resource (If-Range, RFC 9110 section 13.1.5). Empty: no condition.
  std::string validator{};
  std::vector<Header> headers{};           ///< Secret by default: they stay with the origin of `url`.
  std::vector<Credentials> credentials{};  ///< Secret: they stay with the origin of `url`, and with proxies.
  bool credentials_without_tls = false;
  std::optional<CredentialTarget> stored_credentials{};  ///< As `HttpOptions::stored_credentials`.
  RedirectPolicy redirects{};
  ProxyOptions proxy{};
  TlsOptions tls{};
  std::shared_ptr<RequestBody> body{};  ///< Empty: a request without a body.
  /// With whose rights files are opened. Empty: the process's. Its credentials are in `credentials` already.
  std::shared_ptr<const HelperIdentity> identity{};
  /// Takes the URL to which a redirect leads that `RedirectMode::refuse` refuses, secrets and all: an `Error` has no
  /// room for them. Empty: nobody asks.
  std::shared_ptr<std::string> refused_redirect{};
};

/// What the server said before the body.
struct ResponseHead {
  ByteRange granted{};       ///< The bytes that the body carries; not always those asked for.
  bool range_stated = true;  ///< False: the server did not say which bytes these are, only their number is right.
  std::optional<std::uint64_t> resource_size{};  ///< Size of the whole resource.
  /// Proves that two responses carry the same bytes: a strong ETag (quoted) or a strong
  /// Last-Modified date. Empty if the server gave neither.
  std::string validator{};
  std::optional<std::chrono::system_clock::time_point> last_modified{};
  bool delimited = true;    ///< False: only the closed connection ends the body, so its end proves nothing.
  bool ranges = true;       ///< False: the server said that it serves no ranges.
  std::string final_url{};  ///< After redirects.
  std::vector<Header> headers{};
  /// Whose the resource is and who may do what with it, where it is a file. HTTP knows no such thing.
  std::optional<FileAttributes> attributes{};
};

/// One response body on its way in. Used by one coroutine at a time.
class BGXFER_API Download {
 public:
  /// Destroying a download abandons it; the peer sees a closed connection unless the body was read to its end.
  virtual ~Download();

  [[nodiscard]] virtual const ResponseHead& head() const noexcept = 0;

  /// Fills the front of `into` and resolves with the byte count; 0 is the end of a body that is complete
  /// as far as its framing can tell. A body that breaks off resolves with `Errc::body_truncated` after
  /// every byte that arrived has been delivered. `into` stays valid until the awaitable resolves.
  /// Never delivers more bytes than `head().granted` announces.
  virtual asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;
};

/// How bytes arrive.
///
/// The engine calls from a coroutine and expects to be resumed on that coroutine's executor; several
/// coroutines call at the same time, on different threads if the executor has several. An implementation
/// that blocks moves the work to threads of its own. Cancelling the awaiting coroutine (terminal) makes
/// the pending call resolve soon, with any error; bytes already delivered stay delivered.
///
/// Errors keep their own category; what they mean is judged by `Failure`. An HTTP status that is not
/// success is `http_status(n)` with context `remote_file`. No error text carries a URL query or a header.
class BGXFER_API Transport {
 public:
  virtual ~Transport();

  /// Whether `url` is one that `open` could fetch: syntax, scheme, length. Does no I/O; any thread.
  [[nodiscard]] virtual Result<void> check_url(std::string_view url) const = 0;

  /// Resolves once the response head has been received and judged usable.
  virtual asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) = 0;

  /// The network changed: connections kept for later are closed and nothing learned about routes is
  /// trusted. Downloads in flight are not touched. Any thread.
  virtual void network_changed() noexcept = 0;
};

}  // namespace bgxfer::inline v0

#endif
