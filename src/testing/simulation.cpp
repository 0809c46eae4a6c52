#include <bgxfer/testing/simulation.hpp>

#include <cassert>
#include <deque>
#include <optional>
#include <utility>

#include <asio/execution/blocking.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution_context.hpp>

#include "../ports/suspension.hpp"
#include "../ports/task.hpp"
#include "random.hpp"
#include "virtual_time.hpp"

namespace bgxfer::inline v0::testing {

namespace {

class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(std::shared_ptr<detail::VirtualTime> time) : time_(std::move(time)) {}

  TimePoint now() const noexcept override { return time_->now(); }
  WallTime wall_now() const noexcept override { return time_->wall_now(); }
  asio::awaitable<void> sleep_until(TimePoint when) override { return time_->sleep_until(when); }

 private:
  std::shared_ptr<detail::VirtualTime> time_;
};

}  // namespace

class Simulation::World final : public asio::execution_context {
 public:
  explicit World(std::uint64_t seed) : ordered_(seed == 0), random_(seed) {}

  ~World() {
    kill();
    shutdown();
    drop_ready();
    destroy();
  }

  template <class Function>
  void add(Function function) {
    ready_.emplace_back(std::move(function));
  }

  /// Runs one ready task. False if there is none.
  bool step() {
    if (ready_.empty()) return false;
    if (!ordered_ && ready_.size() > 1) std::swap(ready_.front(), ready_[random_.below(ready_.size())]);
    ::bgxfer::detail::Task task = std::move(ready_.front());
    ready_.pop_front();
    ++steps_;
    std::move(task)();
    return true;
  }

  /// Runs until `done`, jumping to deadlines up to `limit`. False if stopped or out of steps.
  template <class Done>
  bool run(Clock::TimePoint limit, std::uint64_t steps_max, const Done& done) {
    assert(!running_ && "a simulation is not run from within itself");
    const Running guard(*this);
    const std::uint64_t last = steps_ + steps_max;
    while (!done()) {
      if (stopped_ || steps_ >= last) return false;
      if (step()) continue;
      const std::optional<Clock::TimePoint> next = time_->next();
      if (!next || *next > limit) return true;
      time_->move_to(*next);
    }
    return true;
  }

  void kill() {
    time_->drop();
    shutdown();
    ::bgxfer::detail::Suspension::end_all(*this);
    drop_ready();
    ++life_;  // Whoever is destroyed only now has nobody to run what it still wants.
  }

  bool ordered_;
  std::uint64_t life_ = 0;
  detail::Random random_;
  std::shared_ptr<detail::VirtualTime> time_ = std::make_shared<detail::VirtualTime>();
  std::shared_ptr<Clock> clock_ = std::make_shared<SimulatedClock>(time_);
  std::deque<::bgxfer::detail::Task> ready_;
  std::uint64_t steps_ = 0;
  bool running_ = false;
  bool stopped_ = false;

 private:
  struct Running {
    explicit Running(World& running_world) : world(running_world) {
      world.running_ = true;
      world.stopped_ = false;
    }
    ~Running() { world.running_ = false; }
    World& world;
  };

  void drop_ready() {
    // Asio unwinds a dropped coroutine through its executor, so dropping work makes new work, which is dropped too.
    while (!ready_.empty()) {
      std::deque<::bgxfer::detail::Task> dropped;
      dropped.swap(ready_);
    }
  }
};

class Simulation::Executor {
 public:
  explicit Executor(World& world) noexcept : world_(&world), life_(world.life_) {}

  template <class Function>
  void execute(Function function) const {
    if (life_ == world_->life_) world_->add(std::move(function));
  }

  asio::execution_context& query(asio::execution::context_t) const noexcept { return *world_; }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }

  friend bool operator==(const Executor& a, const Executor& b) noexcept = default;

 private:
  World* world_;
  std::uint64_t life_;
};

Simulation::Simulation(std::uint64_t seed) : world_(std::make_unique<World>(seed)) {}

Simulation::~Simulation() = default;

asio::any_io_executor Simulation::executor() const noexcept { return Executor(*world_); }

std::shared_ptr<Clock> Simulation::clock() const noexcept { return world_->clock_; }

bool Simulation::run() {
  return world_->run(Clock::TimePoint::max(), steps_per_run_max, [] { return false; });
}

bool Simulation::run_ready() {
  return world_->run(world_->time_->now(), steps_per_run_max, [] { return false; });
}

bool Simulation::run_for(Clock::Duration span) {
  assert(span >= Clock::Duration::zero());
  const Clock::TimePoint end = world_->time_->now() + span;
  if (!world_->run(end, steps_per_run_max, [] { return false; })) return false;
  world_->time_->move_to(end);
  return true;
}

bool Simulation::run_until(const std::function<bool()>& done, std::uint64_t steps_max) {
  world_->run(Clock::TimePoint::max(), steps_max, done);
  return done();
}

void Simulation::advance(Clock::Duration by) {
  assert(by >= Clock::Duration::zero());
  world_->time_->move_to(world_->time_->now() + by);
}

void Simulation::shift_wall(Clock::Duration by) noexcept { world_->time_->shift_wall(by); }

void Simulation::stop() noexcept { world_->stopped_ = true; }

void Simulation::kill() {
  assert(!world_->running_ && "a world ends between two steps");
  world_->kill();
}

std::shared_ptr<detail::VirtualTime> Simulation::virtual_time() const noexcept { return world_->time_; }

std::size_t Simulation::sleepers() const { return world_->time_->sleepers(); }

std::size_t Simulation::ready() const noexcept { return world_->ready_.size(); }

std::uint64_t Simulation::steps() const noexcept { return world_->steps_; }

}  // namespace bgxfer::inline v0::testing
