// A lawful name is one component on every platform, and a target that passes goes nowhere but down.
#include "base/file_name.hpp"

#include "expect.hpp"

using namespace bgxfer::detail;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string name(fuzz::text_of(data, size));
  const bool lawful = is_lawful_file_name(name);
  if (lawful) {
    expect(!name.empty() && name.size() <= file_name_bytes_max);
    expect(name.find_first_of("/\\:") == std::string::npos && name.find('\0') == std::string::npos);
    expect(name != "." && name != ".." && name.back() != '.' && name.back() != ' ');
    for (char c : name) expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    std::string stem = name.substr(0, name.find('.'));
    for (char& c : stem) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    for (const char* device : {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}) expect(stem != device);
    const std::filesystem::path path = std::filesystem::path("/root") / name;
    expect(path.parent_path() == "/root" && path.filename() == name);
  }

  const std::filesystem::path target(name);
  if (check_target_text(target)) {
    expect(target.is_absolute() && is_lawful_file_name(target.filename().string()));
    for (const std::filesystem::path& part : target) expect(part != ".." && part != ".");
  }
  if (check_place_text("/folder/file", name)) expect(lawful && name != "file");
  if (check_place_text(target, "partial")) expect(check_target_text(target).has_value());
  return 0;
}
