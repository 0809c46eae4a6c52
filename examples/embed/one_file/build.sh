#!/bin/sh
# Writes ./app. CXX and CXXFLAGS are honoured; BGXFER is the folder with bgxfer's sources.
set -eu
here=$(dirname "$0")
bgxfer=${BGXFER:-$here/../../..}
${CXX:-c++} -std=c++20 ${CXXFLAGS:-} -I "$bgxfer/include" "$here/main.cpp" "$bgxfer/src/bgxfer.cpp" -pthread -o app
