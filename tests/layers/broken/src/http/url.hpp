// An adapter that looks into the model.
#include <bgxfer/state.hpp>
