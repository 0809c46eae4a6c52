#ifndef BGXFER_HTTPLIB_FILTER_HPP
#define BGXFER_HTTPLIB_FILTER_HPP

#include <bgxfer/httplib/httplib_transport.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "../http/body_reader.hpp"
#include "transfer.hpp"
#include "wire.hpp"

namespace bgxfer::inline v0::httplib::detail {

/// What cpp-httplib reads in place of the connection.
///
/// It reads the response by the strict rules of the native transport and hands the head over as it was sent. To
/// cpp-httplib it shows a plain head without fields, and the payload without its framing: nothing that
/// could be understood in two ways is left. While nobody asks for bytes it does not read any.
class Filter {
 public:
  /// How much is read at once, and so how much one answer brings at most.
  static constexpr std::size_t buffer_bytes = 256 * 1024;

  Filter(Transfer& transfer, Wire& wire, const TransportOptions& options);

  /// As `recv`: 0 is the end of a body that is whole, -1 a failure or a transfer that nobody wants any more.
  [[nodiscard]] std::ptrdiff_t read(std::span<std::byte> into);
  /// Why `read` failed; empty if it did not.
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  [[nodiscard]] bool open();
  [[nodiscard]] Result<void> receive_head();
  [[nodiscard]] std::ptrdiff_t read_body(std::span<std::byte> into);
  [[nodiscard]] Result<std::size_t> fill(Wire::TimePoint deadline);
  [[nodiscard]] std::span<const std::byte> buffered() const noexcept {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  std::ptrdiff_t fail(const Error& error);

  Transfer& transfer_;
  Wire& wire_;
  const TransportOptions& options_;
  http::detail::HeadParser parser_;
  std::string_view shown_head_;
  std::optional<http::detail::BodyReader> body_{};
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<Error> failure_{};
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
