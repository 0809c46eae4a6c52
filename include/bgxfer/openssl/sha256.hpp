#ifndef BGXFER_OPENSSL_SHA256_HPP
#define BGXFER_OPENSSL_SHA256_HPP

#include <bgxfer/config.hpp>
#include <bgxfer/digest.hpp>

namespace bgxfer::inline v0::openssl {

/// SHA-256 by OpenSSL, which uses the processor's own instructions where there are any. In `bgxfer::http`, since that
/// is where OpenSSL already is. Give it to the queue to have files checked:
///
///     QueueOptions options;
///     options.sha256 = bgxfer::openssl::sha256();
///
/// The factory may be called from any thread and any number of times; each stream is used by one thread at a time. A
/// stream throws `std::bad_alloc` when it is made if OpenSSL cannot make one; later calls do not fail.
[[nodiscard]] BGXFER_API Sha256Factory sha256();

}  // namespace bgxfer::inline v0::openssl

#endif
