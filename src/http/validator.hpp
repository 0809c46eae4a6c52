#ifndef BGXFER_HTTP_VALIDATOR_HPP
#define BGXFER_HTTP_VALIDATOR_HPP

#include <string>

#include "head.hpp"

namespace bgxfer::inline v0::http::detail {

/// The strongest proof of identity in `head` that If-Range may carry (RFC 9110 section 13.1.5): a strong ETag, else a
/// Last-Modified date at least a minute older than the response, else nothing. A weak ETag proves nothing about bytes.
[[nodiscard]] std::string validator_of(const Head& head);

}  // namespace bgxfer::inline v0::http::detail

#endif
