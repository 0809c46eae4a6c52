#ifndef BGXFER_HTTPLIB_CLIENT_HPP
#define BGXFER_HTTPLIB_CLIENT_HPP

#include <bgxfer/httplib/httplib_transport.hpp>

#include "transfer.hpp"

namespace bgxfer::inline v0::httplib::detail {

/// Works on a transfer until it has ended, has failed, or nobody wants it any more. Blocks: for a thread of its own.
/// The last answer says how it went. Never throws.
void run_transfer(Transfer& transfer, const TransportOptions& options) noexcept;

}  // namespace bgxfer::inline v0::httplib::detail

#endif
