#ifndef BGXFER_EXAMPLES_DEMO_LAUNCHER_HPP
#define BGXFER_EXAMPLES_DEMO_LAUNCHER_HPP

#include <cstdint>
#include <filesystem>
#include <string>

namespace demo {

/// What the launcher is told on its command line.
struct LauncherOptions {
  std::string server;            ///< Where the content is.
  std::filesystem::path folder;  ///< Where files and the journal go.
  std::uint64_t scale = 1;       ///< Size of the packages.
  int report = -1;               ///< A descriptor that gets the bytes of the world so far, a line at a time.
};

/// A small game launcher: picks up what an earlier run left, or starts the world download and, when a third of it is
/// there, a hotfix that cannot wait. Returns when everything is installed; the value is the exit status.
int run_launcher(const LauncherOptions& options);

}  // namespace demo

#endif
