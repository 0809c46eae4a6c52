// A tree that breaks the rules on purpose: tests/CMakeLists.txt expects these complaints.
#include <chrono>

#include <httplib.h>

namespace bgxfer::inline v0 {

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace bgxfer::inline v0
