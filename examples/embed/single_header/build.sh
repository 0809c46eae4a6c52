#!/bin/sh
# Writes ./app. CXX and CXXFLAGS are honoured; the argument is the folder of bgxfer.hpp, by default this one.
set -eu
here=$(dirname "$0")
${CXX:-c++} -std=c++20 ${CXXFLAGS:-} -I "${1:-$here}" "$here/main.cpp" "$here/bgxfer.cpp" -pthread -o app
