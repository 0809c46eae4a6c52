#ifndef BGX_JOB_OPTIONS_HPP
#define BGX_JOB_OPTIONS_HPP

#include <bgxfer/options.hpp>

#include "arguments.hpp"

namespace bgx {

/// A new job as the command line wants it: without files.
[[nodiscard]] bgxfer::JobOptions new_job(const Arguments& arguments);

/// Changes what the command line names, and nothing else.
void apply(const Arguments& arguments, bgxfer::JobOptions& options);

}  // namespace bgx

#endif
