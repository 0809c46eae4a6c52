#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "source_dir.hpp"

std::filesystem::path bgxfer_tests::source_dir() { return BGXFER_SOURCE_DIR; }
