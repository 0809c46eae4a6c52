#ifndef BGX_REPORTER_HPP
#define BGX_REPORTER_HPP

#include <vector>

#include <bgxfer/event.hpp>
#include <bgxfer/job.hpp>
#include <bgxfer/restore_report.hpp>

namespace bgx {

/// Tells somebody what the queue does, while it does it. Called from one thread.
class Reporter {
 public:
  virtual ~Reporter() = default;

  /// The journal has been read.
  virtual void restored(const bgxfer::RestoreReport& /*report*/) {}
  /// From here on this job is worked on.
  virtual void follow(const bgxfer::Job& /*job*/) {}
  virtual void happened(const bgxfer::Event& /*event*/) {}
  /// Some time has passed, or the terminal has another size.
  virtual void tick() {}
  /// The work is over. What was drawn for the moment is taken away.
  virtual void finished(const std::vector<bgxfer::Job>& /*jobs*/) {}
};

}  // namespace bgx

#endif
