#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0 {

Transport::~Transport() = default;
Download::~Download() = default;
RequestBody::~RequestBody() = default;

}  // namespace bgxfer::inline v0
