#ifndef BGXFER_TESTS_FILE_WORLD_HPP
#define BGXFER_TESTS_FILE_WORLD_HPP

#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include <bgxfer/error.hpp>

namespace file_test {

/// A folder of its own, gone with everything in it at the end.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "bgxfer-file-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::system_category(), path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return std::filesystem::path(path_) / name;
  }

 private:
  std::string path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::system_error(errno, std::system_category(), path.string());
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string url_of(const std::filesystem::path& path) { return "file://" + path.string(); }

/// A file as the origin of `check_resource_contract`.
class FileOrigin {
 public:
  explicit FileOrigin(std::string_view text) { write_file(folder_ / "file", text); }

  [[nodiscard]] std::string url() const { return url_of(folder_ / "file"); }
  [[nodiscard]] std::string missing_url() const { return url_of(folder_ / "missing"); }
  void replace(std::string_view text) {
    write_file(folder_ / "new", text);
    std::filesystem::rename(folder_ / "new", folder_ / "file");
  }
  static std::error_code missing() { return {ENOENT, std::system_category()}; }
  static std::error_code beyond_the_end() { return make_error_code(bgxfer::Errc::invalid_range); }

 private:
  Folder folder_;
};

}  // namespace file_test

#endif
