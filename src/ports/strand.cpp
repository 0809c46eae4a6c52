#include "strand.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include <asio/execution/relationship.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>

namespace bgxfer::inline v0::detail {

namespace {

/// Of a list that has grown beyond this, the memory is given back after the turn.
constexpr std::size_t tasks_kept_max = 256;

}  // namespace

/// Waits in the executor below to run what has come. At any time there is one at most: it waits, or it runs.
class Strand::Turn {
 public:
  explicit Turn(std::shared_ptr<Core> core) noexcept : core_(std::move(core)) {}
  Turn(Turn&&) noexcept = default;
  ~Turn();

  void operator()();

 private:
  std::shared_ptr<Core> core_;
};

class Strand::Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(const asio::any_io_executor& below)
      : context_(asio::query(below, asio::execution::context)),
        now_(asio::prefer(below, asio::execution::blocking.possibly)),
        later_(asio::require(below, asio::execution::blocking.never)),
        next_(asio::prefer(later_, asio::execution::relationship.continuation)) {}

  asio::execution_context& context() const noexcept { return context_; }

  bool runs_here() const noexcept {
    for (const Running* running = innermost_; running; running = running->outer) {
      if (&running->core == this) return true;
    }
    return false;
  }

  void push(Task task, bool never) {
    std::size_t place = 0;
    {
      const std::lock_guard lock(mutex_);
      place = came_.size();
      came_.push_back(std::move(task));
      if (std::exchange(busy_, true)) return;
    }
    if (std::exception_ptr refusal = post_turn(never ? later_ : now_)) {
      // Its giver hears that it will not run. It is where it was: there has been no turn.
      take_back(place);
      std::rethrow_exception(std::move(refusal));
    }
  }

  /// Runs what has come so far. What comes meanwhile has a turn of its own, so that others get theirs in between, and
  /// so has what is behind a function that throws; without memory for that it runs in this one.
  void turn() {
    std::exception_ptr thrown;
    do {
      {
        const std::lock_guard lock(mutex_);
        if (turn_.empty()) turn_.swap(came_);
      }
      const Running running(*this);
      try {
        while (done_ < turn_.size()) std::move(turn_[done_++])();
      } catch (...) {
        if (!thrown) thrown = std::current_exception();
      }
    } while (!pass_on());
    if (thrown) std::rethrow_exception(std::move(thrown));
  }

  /// A turn died before it began.
  void turn_died() noexcept {
    Giving* const giving = innermost_giving_;
    if (giving && &giving->core == this) {
      giving->refused = true;
    } else {
      abandon();
    }
  }

  /// For a copy that tracks work, made of one that does not.
  void add_work() {
    const std::lock_guard lock(mutex_);
    if (!work_) work_ = asio::prefer(later_, asio::execution::outstanding_work.tracked);
    ++workers_;
  }

  /// For one more, made of one that does.
  void add_more_work() noexcept { ++workers_; }

  void end_work() noexcept {
    if (--workers_ > 0) return;
    std::optional<asio::any_io_executor> ended;
    const std::lock_guard lock(mutex_);
    if (workers_ == 0) work_.swap(ended);  // Nobody has begun meanwhile.
  }

 private:
  /// The turns that are running on this thread, one inside the other.
  struct Running {
    explicit Running(const Core& which) noexcept : core(which), outer(std::exchange(innermost_, this)) {}
    ~Running() { innermost_ = outer; }
    const Core& core;
    const Running* const outer;
  };

  /// A call that gives a turn to the executor below, on this thread.
  struct Giving {
    explicit Giving(const Core& which) noexcept : core(which), outer(std::exchange(innermost_giving_, this)) {}
    ~Giving() { innermost_giving_ = outer; }
    const Core& core;
    Giving* const outer;
    bool refused = false;
  };

  /// False if there is something left to do and the executor below takes no turn for it.
  bool pass_on() {
    if (done_ == turn_.size()) {
      done_ = 0;
      turn_.clear();
      if (turn_.capacity() > tasks_kept_max) std::vector<Task>().swap(turn_);
    }
    {
      const std::lock_guard lock(mutex_);
      busy_ = !turn_.empty() || !came_.empty();
      if (!busy_) return true;
    }
    return !post_turn(next_);
  }

  /// Why the executor below does not take a turn; null if it does. Throws what a turn throws that begins within the
  /// call.
  std::exception_ptr post_turn(const asio::any_io_executor& executor) {
    const Giving giving(*this);
    try {
      executor.execute(Turn(shared_from_this()));
    } catch (...) {
      if (giving.refused) return std::current_exception();
      throw;
    }
    if (giving.refused) abandon();  // An executor that takes nothing more, and says nothing.
    return nullptr;
  }

  void take_back(std::size_t place) {
    bool others = false;
    const Task unrun = [&] {
      const std::lock_guard lock(mutex_);
      Task taken(std::move(came_[place]));
      others = place + 1 < came_.size();
      if (!others) came_.pop_back();
      busy_ = others;
      return taken;
    }();
    // They came in between and were told that all is well.
    if (others && post_turn(later_)) {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    }
  }

  /// Nobody will ever run what is here.
  void abandon() noexcept {
    std::vector<Task> unrun[2];
    const std::lock_guard lock(mutex_);
    unrun[0].swap(turn_);
    unrun[1].swap(came_);
    done_ = 0;
    busy_ = false;
  }

  static thread_local const Running* innermost_;
  static thread_local Giving* innermost_giving_;

  asio::execution_context& context_;
  const asio::any_io_executor now_;    // for a turn that may begin at once
  const asio::any_io_executor later_;  // for one that may not
  const asio::any_io_executor next_;   // for one that follows another

  // Of the turn, of which there is one.
  std::vector<Task> turn_;  // what it runs, from `done_` on
  std::size_t done_ = 0;

  std::atomic<std::size_t> workers_ = 0;
  std::mutex mutex_;
  std::vector<Task> came_;                     // under the mutex
  bool busy_ = false;                          // under the mutex; there is a turn
  std::optional<asio::any_io_executor> work_;  // under the mutex
};

thread_local const Strand::Core::Running* Strand::Core::innermost_ = nullptr;
thread_local Strand::Core::Giving* Strand::Core::innermost_giving_ = nullptr;

Strand::Turn::~Turn() {
  if (core_) core_->turn_died();
}

void Strand::Turn::operator()() {
  const std::shared_ptr<Core> core = std::move(core_);
  core->turn();
}

std::shared_ptr<Strand::Core> Strand::make_core(const asio::any_io_executor& below) {
  return std::make_shared<Core>(below);
}

Strand::Strand(const Strand& other) noexcept : core_(other.core_), never_(other.never_), tracked_(other.tracked_) {
  if (tracked_) core_->add_more_work();
}

Strand::~Strand() {
  if (tracked_) core_->end_work();
}

asio::execution_context& Strand::query(asio::execution::context_t) const noexcept { return core_->context(); }

asio::execution::blocking_t Strand::query(asio::execution::blocking_t) const noexcept {
  if (never_) return asio::execution::blocking.never;
  return asio::execution::blocking.possibly;
}

asio::execution::outstanding_work_t Strand::query(asio::execution::outstanding_work_t) const noexcept {
  if (tracked_) return asio::execution::outstanding_work.tracked;
  return asio::execution::outstanding_work.untracked;
}

Strand Strand::with(bool never, bool tracked) const {
  Strand made(core_, never);
  if (!tracked) return made;
  tracked_ ? core_->add_more_work() : core_->add_work();
  made.tracked_ = true;
  return made;
}

bool Strand::runs_here() const noexcept { return core_->runs_here(); }

void Strand::push(Task task) const { core_->push(std::move(task), never_); }

}  // namespace bgxfer::inline v0::detail
