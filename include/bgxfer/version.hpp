#ifndef BGXFER_VERSION_HPP
#define BGXFER_VERSION_HPP

// The only home of the version number; CMakeLists.txt reads it from here.
#define BGXFER_VERSION_MAJOR 0
#define BGXFER_VERSION_MINOR 1
#define BGXFER_VERSION_PATCH 0

#endif
