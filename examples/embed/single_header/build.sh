#!/bin/sh
# Writes ./app. CXX and CXXFLAGS are honoured; the argument is the folder of bgxfer.hpp, by default this one.
set -eu
here=$(dirname "$0")
${CXX:-c++} -std=c++20 -DBGXFER_WITH_HTTP -DBGXFER_WITH_FMT ${CXXFLAGS:-} -I "${1:-$here}" "$here/main.cpp" "$here/bgxfer.cpp" -pthread -lssl -lcrypto -lfmt -o app
