#ifndef BGXFER_HTTP_HEAD_HPP
#define BGXFER_HTTP_HEAD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/result.hpp>
#include <bgxfer/transport.hpp>

#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// How much of a head is read before the server is given up (security.md part 4).
struct HeadLimits {
  std::size_t head_bytes_max = 64 * 1024;  ///< Status line and all fields together.
  std::size_t fields_max = 100;
  std::size_t status_line_bytes_max = 8 * 1024;
  std::size_t field_bytes_max = 16 * 1024;  ///< One field: name, colon and value.
  std::size_t interim_max = 5;              ///< 1xx answers before the real one.
};

/// The status line and the fields of a response.
struct Head {
  int status = 0;
  int minor_version = 1;  ///< HTTP/1.x
  std::vector<Header> fields{};

  /// The first field of that name, in any case; empty if there is none.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
  /// Every value of a list field, split at commas and trimmed, lower case.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  /// Whether the peer keeps the connection open after this response.
  [[nodiscard]] bool keeps_alive() const;
};

/// Reads response heads, any number of bytes at a time, and skips the interim ones.
///
/// Strict: whatever two readers could understand in two ways is refused, for that is how one response hides
/// another (RFC 9112 sections 2.2, 5 and 11). Takes memory in proportion to what has been accepted, never more than the
/// limits. Errors are values; no input makes it throw anything but `std::bad_alloc`.
class BGXFER_API HeadParser {
 public:
  explicit HeadParser(HeadLimits limits = {}) : limits_(limits) {}

  /// Takes bytes off the front of `input` and returns how many. Stops behind the empty line of the final
  /// head: what follows is the body. Once it has returned an error it is of no further use.
  [[nodiscard]] Result<std::size_t> feed(std::span<const std::byte> input);

  /// True once the final head is complete.
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  /// The final head; valid once `done`.
  [[nodiscard]] Head& head() noexcept { return head_; }

 private:
  enum class State { status_line, field, done };

  std::optional<Error> end_line();
  std::optional<Error> read_status_line(std::string_view line);
  std::optional<Error> read_field(std::string_view line);
  std::optional<Error> end_head();

  HeadLimits limits_;
  State state_ = State::status_line;
  std::string line_;
  bool carriage_return_ = false;
  std::size_t head_bytes_ = 0;
  std::size_t interim_count_ = 0;
  Head head_;
};

/// Whether a caller may send these: methods and names are tokens, values have no control characters, and fields
/// that frame, route or negotiate are ours alone (Host, Content-Length, Range, ...). Error: `invalid_argument`.
[[nodiscard]] BGXFER_API Result<void> check_request(const Request& request);

/// What the transport adds to the head of a request.
struct HeadExtras {
  std::string_view user_agent{};               ///< For requests that bring none of their own; empty: no such field.
  bool absolute = false;                       ///< The whole URL in the request line: the request goes to a proxy.
  std::optional<std::string> authorization{};  ///< Unless the request brings its own.
  std::optional<std::string> proxy_authorization{};
};

/// The fields of a request to `url`, in the order in which they are sent. `request` has passed `check_request`.
[[nodiscard]] BGXFER_API std::vector<Header> request_fields(const Request& request, const Url& url,
                                                            const HeadExtras& extras);

/// Prints the head of a request with these fields. Asserts that every part passed `check_request`, since a line break
/// that got this far would be another request.
[[nodiscard]] std::string print_request(const Request& request, const Url& url, const HeadExtras& extras);

}  // namespace bgxfer::inline v0::http::detail

#endif
