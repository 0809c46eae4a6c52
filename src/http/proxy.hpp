#ifndef BGXFER_SRC_HTTP_PROXY_HPP
#define BGXFER_SRC_HTTP_PROXY_HPP

#include <string_view>

#include <bgxfer/http/proxy.hpp>
#include <bgxfer/http_options.hpp>

#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// The proxy that a job's own list has for `server` (spec part 3.5); `direct` if the bypass list names it. Error:
/// `invalid_proxy`, with the entry that is not understood.
[[nodiscard]] Result<Proxy> listed_proxy(const ProxyOptions& options, const Origin& server);

/// Whether a host name or address is this very machine's or a private one, as far as its spelling tells: where a proxy
/// resolves names, that is all there is to judge by.
[[nodiscard]] bool is_private_name(std::string_view host);

}  // namespace bgxfer::inline v0::http::detail

#endif
