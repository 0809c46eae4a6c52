// A tree that breaks the rules on purpose: tests/CMakeLists.txt expects a complaint about nearly every line.
#include <chrono>

#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "../http/url.hpp"

namespace bgxfer::inline v0 {

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace bgxfer::inline v0
