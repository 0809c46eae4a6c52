// Whatever JobId::parse accepts is printed as the same text in lower case, and reads back as the same id.
#include <bgxfer/ids.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<bgxfer::JobId> id = bgxfer::JobId::parse(text);
  if (!id) return 0;

  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  require(id->to_string() == lower);
  require(bgxfer::JobId::parse(lower) == id);
  return 0;
}
