// The table of contents of a broken tree.
#include "engine/thief.cpp"
