#include <bgxfer/network.hpp>

namespace bgxfer::inline v0 {

Network::~Network() = default;
ByteStream::~ByteStream() = default;

}  // namespace bgxfer::inline v0
