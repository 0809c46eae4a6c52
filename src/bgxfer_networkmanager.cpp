// The table of contents of bgxfer::networkmanager: every source, in order. The build reads its list of sources from
// here.
// clang-format off
#include "networkmanager/cost_source.cpp"
