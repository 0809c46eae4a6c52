// The one source file that holds bgxfer's definitions.
#define BGXFER_IMPLEMENTATION
#include <bgxfer.hpp>
