#ifndef BGXFER_TESTS_SUPPORT_SOURCE_DIR_HPP
#define BGXFER_TESTS_SUPPORT_SOURCE_DIR_HPP

#include <filesystem>

namespace bgxfer_tests {

/// The root of the source tree, for tests that hold a document against the code. Defined in main.cpp alone, so that a
/// compiler cache serves every checkout with all other objects.
std::filesystem::path source_dir();

}  // namespace bgxfer_tests

#endif
