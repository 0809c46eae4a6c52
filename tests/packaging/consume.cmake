# Builds one project of examples/embed as a host would, in an empty folder, and runs it.
#
# HOW is cmake or sh; what follows -- goes to `cmake -S -B` or to build.sh. The program ends with status 0 if all
# is well. CHECK: it is the quickstart, and is run by examples/support/check.cpp.
set(arguments)
set(collecting FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(collecting)
    list(APPEND arguments "${CMAKE_ARGV${i}}")
  elseif(CMAKE_ARGV${i} STREQUAL "--")
    set(collecting TRUE)
  endif()
endforeach()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
# Hosts that compile our sources with CMake do so through ccache where there is one, which need not hear of the folder.
set(ENV{CMAKE_CXX_COMPILER_LAUNCHER} "${LAUNCHER}")
set(ENV{CCACHE_BASEDIR} "${BGXFER}")
set(ENV{CCACHE_NOHASHDIR} 1)
set(ENV{LD_LIBRARY_PATH} "${PREFIX}/${LIBDIR}")  # For shared builds, where no CMake sets the run path.
if(HOW STREQUAL "cmake")
  execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}" -G "${GENERATOR}"
    -D "CMAKE_CXX_COMPILER=${CXX}" -D "CMAKE_CXX_FLAGS=${CXX_FLAGS}" ${arguments})
  execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND "${CMAKE_COMMAND}" --build "${WORK}" --target app)
else()
  set(ENV{CXX} "${CXX}")
  set(ENV{CXXFLAGS} "${CXX_FLAGS}")
  set(ENV{BGXFER} "${BGXFER}")
  set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
  execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND sh "${SOURCE}/build.sh" ${arguments} WORKING_DIRECTORY "${WORK}")
endif()
set(run "${WORK}/app")
if(CHECK)
  set(run "${CHECK}" --expect one.bin=300001 -- "${WORK}/app" @url/files/300001/one.bin @dir/one.bin)
endif()
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${run} WORKING_DIRECTORY "${WORK}")
