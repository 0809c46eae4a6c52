#!/bin/sh
# Writes ./app.
set -eu
here=$(dirname "$0")
${CXX:-c++} -std=c++20 ${CXXFLAGS:-} "$here/main.cpp" $(pkg-config --cflags --libs bgxfer-httplib) -o app
