# bgxfer::header_only: the single header, written by amalgamate.py into the build folder.
find_package(Python3 3.9 COMPONENTS Interpreter QUIET)
if(NOT Python3_Interpreter_FOUND)
  message(STATUS "bgxfer: no Python 3, so no target bgxfer::header_only")
  return()
endif()

set(single_header_dir "${CMAKE_CURRENT_BINARY_DIR}/single_header")
add_custom_command(
  OUTPUT "${single_header_dir}/bgxfer.hpp"
  COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/amalgamate.py" "${PROJECT_SOURCE_DIR}"
    --output "${single_header_dir}/bgxfer.hpp" --depfile "${single_header_dir}/bgxfer.hpp.d"
  DEPENDS "${PROJECT_SOURCE_DIR}/cmake/amalgamate.py"
  DEPFILE "${single_header_dir}/bgxfer.hpp.d"
  COMMENT "Writing the single header" VERBATIM)

add_library(bgxfer_header_only INTERFACE)
add_library(bgxfer::header_only ALIAS bgxfer_header_only)
target_sources(bgxfer_header_only INTERFACE
  FILE_SET HEADERS BASE_DIRS "${single_header_dir}" FILES "${single_header_dir}/bgxfer.hpp")
target_compile_features(bgxfer_header_only INTERFACE cxx_std_20)
target_link_libraries(bgxfer_header_only INTERFACE Asio::asio)
set_target_properties(bgxfer_header_only PROPERTIES EXPORT_NAME header_only)

# A custom target makes the file for whoever links the library, and for the install of a top-level build.
if(BGXFER_INSTALL)
  add_custom_target(bgxfer_single_header ALL DEPENDS "${single_header_dir}/bgxfer.hpp")
else()
  add_custom_target(bgxfer_single_header DEPENDS "${single_header_dir}/bgxfer.hpp")
endif()
add_dependencies(bgxfer_header_only bgxfer_single_header)
