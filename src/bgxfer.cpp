// The table of contents of the core: every source, in layer order. The build reads its list of sources
// from here, and compiling this file alone builds the whole core.
#include "base/error.cpp"
#include "base/file_name.cpp"
#include "base/ids.cpp"
#include "base/range_set.cpp"
#include "memory/memory_storage.cpp"
#include "ports/clock.cpp"
#include "ports/digest.cpp"
#include "ports/network.cpp"
#include "ports/storage.cpp"
#include "ports/transport.cpp"
