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
endfunction()

# Warnings for our own code; never exported.
option(BGXFER_WERROR "Treat warnings as errors" OFF)
add_library(bgxfer_warnings INTERFACE)
target_compile_options(bgxfer_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${BGXFER_WERROR}>:-Werror>)
