# bgxfer_library(NAME [EXPORT_AS name] SOURCES table-of-contents.cpp LINK ...)
#
# A library whose sources are those that its table of contents includes: the list has one home,
# which is also a compilable unit (one-file builds, the unity preset, the generated single header).
function(bgxfer_library name)
  cmake_parse_arguments(arg "" "EXPORT_AS;SOURCES" "LINK" ${ARGN})
  if(NOT arg_EXPORT_AS)
    set(arg_EXPORT_AS ${name})
  endif()

  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${arg_SOURCES}")
  file(STRINGS "${arg_SOURCES}" lines REGEX "^#include \"[a-z_0-9/]+\\.cpp\"")
  list(TRANSFORM lines REPLACE "^#include \"([a-z_0-9/]+\\.cpp)\".*" "src/\\1" OUTPUT_VARIABLE sources)
  if(CMAKE_UNITY_BUILD OR NOT sources)
    set(sources "${arg_SOURCES}")
  endif()

  add_library(${name} ${sources})
  add_library(bgxfer::${arg_EXPORT_AS} ALIAS ${name})
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} ${arg_LINK} PRIVATE "$<BUILD_INTERFACE:bgxfer_warnings>")
  set_target_properties(${name} PROPERTIES
    EXPORT_NAME ${arg_EXPORT_AS} UNITY_BUILD OFF POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(BUILD_SHARED_LIBS)
    target_compile_definitions(${name} PUBLIC BGXFER_SHARED PRIVATE BGXFER_BUILDING)
  endif()
  set_property(GLOBAL APPEND PROPERTY BGXFER_LIBRARIES ${name})
endfunction()

# bgxfer_headers(LIBRARY PATTERN... [EXCEPT regex])
#
# The public headers of a library: installed with it, and each compiled alone where
# CMAKE_VERIFY_INTERFACE_HEADER_SETS is on.
function(bgxfer_headers library)
  cmake_parse_arguments(arg "" "EXCEPT" "" ${ARGN})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${arg_UNPARSED_ARGUMENTS})
  if(arg_EXCEPT)
    list(FILTER headers EXCLUDE REGEX "/include/bgxfer${arg_EXCEPT}")
  endif()
  target_sources(${library} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
endfunction()

# Warnings for our own code: never exported, and silent inside a parent project.
add_library(bgxfer_warnings INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
  # g++ 12 warns of overlaps that cannot be wherever std::string's operator+ is inlined (GCC bug 105651).
  target_compile_options(bgxfer_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    $<$<BOOL:${BGXFER_WERROR}>:-Werror>)
endif()
