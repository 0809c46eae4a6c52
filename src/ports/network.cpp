#include <bgxfer/network.hpp>

namespace bgxfer::inline v0 {

Network::~Network() = default;
ByteStream::~ByteStream() = default;
asio::awaitable<Result<void>> ByteStream::start_tls(TlsRequest request) {
  co_return Error(Errc::tls_failed, ErrorContext::transport, request.host + ": this network has no TLS over tunnels");
}
bool ByteStream::public_peer() const noexcept { return true; }

}  // namespace bgxfer::inline v0
