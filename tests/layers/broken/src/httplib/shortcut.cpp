// A transport that uses more of the native one than its words.
#include "../http/pool.hpp"
