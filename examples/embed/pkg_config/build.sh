#!/bin/sh
# Writes ./app. CXX and CXXFLAGS are honoured; PKG_CONFIG_PATH says where bgxfer.pc is, if it is nowhere usual.
set -eu
here=$(dirname "$0")
${CXX:-c++} -std=c++20 ${CXXFLAGS:-} "$here/main.cpp" $(pkg-config --cflags --libs bgxfer-http fmt) -o app
