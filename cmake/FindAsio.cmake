# Finds standalone Asio and makes Asio::asio.
find_path(Asio_INCLUDE_DIR asio/version.hpp)
mark_as_advanced(Asio_INCLUDE_DIR)
if(Asio_INCLUDE_DIR)
  file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" asio_version_line REGEX "#define ASIO_VERSION [0-9]+")
  string(REGEX MATCH "ASIO_VERSION ([0-9]+)" _ "${asio_version_line}")
  math(EXPR asio_major "${CMAKE_MATCH_1} / 100000")
  math(EXPR asio_minor "${CMAKE_MATCH_1} / 100 % 1000")
  math(EXPR asio_patch "${CMAKE_MATCH_1} % 100")
  set(Asio_VERSION "${asio_major}.${asio_minor}.${asio_patch}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Asio REQUIRED_VARS Asio_INCLUDE_DIR VERSION_VAR Asio_VERSION)

if(Asio_FOUND AND NOT TARGET Asio::asio)
  find_package(Threads REQUIRED)
  add_library(Asio::asio INTERFACE IMPORTED)
  target_include_directories(Asio::asio INTERFACE "${Asio_INCLUDE_DIR}")
  target_compile_definitions(Asio::asio INTERFACE ASIO_STANDALONE)
  target_link_libraries(Asio::asio INTERFACE Threads::Threads)
  if(Asio_VERSION VERSION_LESS 1.26)
    # Before 1.26 Asio looks for <experimental/coroutine> under clang and does not see C++20 coroutines.
    target_compile_definitions(Asio::asio INTERFACE
      $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1> $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_STD_COROUTINE=1>)
  endif()
endif()
