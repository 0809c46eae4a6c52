#ifndef BGXFER_TESTING_SIMULATION_HPP
#define BGXFER_TESTING_SIMULATION_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include <bgxfer/clock.hpp>

namespace bgxfer::inline v0::testing {

class SimulatedNetwork;

namespace detail {
class VirtualTime;
}

/// A world in virtual time on one seed: an executor, a clock, and nothing else. No thread, no system call.
///
/// Whatever runs on `executor()` and sleeps on `clock()` runs the same way every time. When nothing is ready, time
/// jumps to the next deadline, so an hour of waiting costs nothing. With seed 0 ready work runs first in, first out;
/// with any other seed the seed picks among what is ready, and each seed is another lawful order of events.
///
///     testing::Simulation simulation(seed);
///     asio::co_spawn(simulation.executor(), scenario(), asio::detached);
///     simulation.run();
///
/// One step is one run of one ready piece of work, up to its next suspension. An exception that escapes from a step
/// leaves the `run` function that was called; the world may be run on. Used by one thread; the running functions are
/// not called from within a step. The simulation outlives everything that holds its executor.
class BGXFER_API Simulation {
 public:
  /// Steps that one call runs before it gives up: a livelock ends a test instead of hanging it.
  static constexpr std::uint64_t steps_per_run_max = 10'000'000;

  explicit Simulation(std::uint64_t seed = 0);
  /// Destroys ready work and suspended coroutines where they stand, with their locals, and runs none of it.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Blocking is never possible on it: `asio::post`, `dispatch` and `defer` all queue.
  [[nodiscard]] asio::any_io_executor executor() const noexcept;
  /// The world's time. It starts at an hour past the origin and at 2024-01-01T01:00:00Z.
  [[nodiscard]] std::shared_ptr<Clock> clock() const noexcept;

  /// Runs until nothing is ready and nobody sleeps until a point in time; time jumps from deadline to deadline. True
  /// if it came to that, false if `stop` was called or `steps_per_run_max` was reached.
  bool run();
  /// Runs what needs no time to pass. As `run`, but time stands still.
  bool run_ready();
  /// Runs for a span of virtual time, at the end of which `clock()->now()` is exactly that much later (unless
  /// stopped). As `run` otherwise.
  bool run_for(Clock::Duration span);
  /// Runs until `done()`, which is asked before each step. False if the world stood still first, was stopped, or took
  /// `steps_max` steps.
  bool run_until(const std::function<bool()>& done, std::uint64_t steps_max = steps_per_run_max);

  /// Moves time without running anything; those whose time has come are ready afterwards, in deadline order.
  void advance(Clock::Duration by);
  /// Sets the wall clock forward or back. Monotonic time and sleepers notice nothing.
  void shift_wall(Clock::Duration by) noexcept;

  /// Called from within a step: the run function that is running returns after this step.
  void stop() noexcept;
  /// The death of the process in this world: ready work and sleeping coroutines are destroyed where they stand, and
  /// none of it runs; so are coroutines that wait for a condition of a queue. Time, seed and step count stay as they
  /// are, and the next life may begin, on what `executor` says then: what is given to an executor of the old life, as
  /// by a queue that is destroyed only now, is dropped.
  void kill();

  /// How many coroutines sleep until some point in time. An idle library has none.
  [[nodiscard]] std::size_t sleepers() const;
  /// How many pieces of work are ready to run.
  [[nodiscard]] std::size_t ready() const noexcept;
  /// Steps run so far.
  [[nodiscard]] std::uint64_t steps() const noexcept;

 private:
  friend class SimulatedNetwork;
  class World;
  class Executor;

  [[nodiscard]] std::shared_ptr<detail::VirtualTime> virtual_time() const noexcept;

  std::unique_ptr<World> world_;
};

}  // namespace bgxfer::inline v0::testing

#endif
