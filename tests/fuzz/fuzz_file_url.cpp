// Whatever is taken for a file URL names an absolute path that leads nowhere else than its text says.
#include "file/file_url.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace bgxfer::file::detail;
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  const bgxfer::Result<std::string> path = path_of_url(url);
  if (!path) {
    require(path.error().code() == bgxfer::Errc::invalid_url);
    require(path.error().detail().size() < 1024);
    return 0;
  }
  require(path->size() > 1 && path->size() <= path_bytes_max && path->front() == '/' && path->back() != '/');
  const std::string whole = *path + "/";
  for (const char* never : {"//", "/./", "/../"}) require(whole.find(never) == std::string::npos);
  for (char c : *path) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  return 0;
}
