// The table of contents of bgxfer::testing: every source, in order. The build reads its list of sources from here.
// clang-format off
#include "testing/virtual_time.cpp"
#include "testing/manual_clock.cpp"
#include "testing/simulation.cpp"
#include "testing/simulated_network.cpp"
#include "testing/faulty_disk.cpp"
#include "testing/faulty_storage.cpp"
