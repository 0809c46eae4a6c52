#ifndef BGXFER_HTTP_RESPONSE_HPP
#define BGXFER_HTTP_RESPONSE_HPP

#include <chrono>

#include <bgxfer/result.hpp>
#include <bgxfer/transport.hpp>

#include "body.hpp"
#include "head.hpp"
#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// Turns a response head into the words of the port: what the server granted, or the error that it means.
///
/// A GET wants 200 or 206, anything else is `http_status`; other methods want any 2xx. Errors carry what the server
/// said about the cure: Retry-After, and the size of the resource with 416. `now` is used only if the response has no
/// Date. `final_url` stays empty: who followed the redirects knows it.
[[nodiscard]] BGXFER_API Result<ResponseHead> judge_response(const Request& request, const Url& url, const Head& head,
                                                             const Framing& framing,
                                                             std::chrono::system_clock::time_point now);

/// The same error, with the URL in front of its detail.
[[nodiscard]] BGXFER_API Error located(const Error& error, const Url& url);

}  // namespace bgxfer::inline v0::http::detail

#endif
