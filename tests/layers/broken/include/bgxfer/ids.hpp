// A public header that brings fmt to every host.
#include <fmt/core.h>
