#ifndef BGXFER_HTTPLIB_TRANSFER_HPP
#define BGXFER_HTTPLIB_TRANSFER_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <bgxfer/transport.hpp>

#include "../http/body.hpp"
#include "../http/head.hpp"
#include "../http/url.hpp"
#include "handoff.hpp"
#include "plug.hpp"

namespace bgxfer::inline v0::httplib::detail {

/// One request and its response, shared by the coroutine that wants it and the thread that works on it.
///
/// The first answer is the head, each further one bytes of the body. `ended` or `failure` come with the last answer,
/// behind the bytes that it brings.
struct Transfer {
  Transfer(Request wanted, http::detail::Url where, bool public_addresses_only)
      : request(std::move(wanted)), url(std::move(where)), public_only(public_addresses_only) {}

  const Request request;
  const http::detail::Url url;
  const bool public_only;

  Handoff handoff;
  Plug plug;

  // Belongs to whose turn it is.
  http::detail::Head head{};
  http::detail::Framing framing{};
  bool public_peer = false;
  std::uint64_t length_max = 0;  ///< How many bytes the head announced; the coroutine says so with its second question.
  std::vector<std::byte> bytes{};
  bool ended = false;
  std::optional<Error> failure{};
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
