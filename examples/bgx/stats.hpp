#ifndef BGX_STATS_HPP
#define BGX_STATS_HPP

#include <bgxfer/metrics.hpp>

namespace bgx {

/// Writes every figure to stdout: as a table, or as one JSON line.
void print_stats(const bgxfer::Metrics& metrics, bool json);

}  // namespace bgx

#endif
