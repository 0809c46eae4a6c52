#include <bgxfer/network.hpp>

namespace bgxfer::inline v0 {

Network::~Network() = default;
ByteStream::~ByteStream() = default;
bool ByteStream::public_peer() const noexcept { return true; }

}  // namespace bgxfer::inline v0
