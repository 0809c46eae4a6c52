#ifndef BGXFER_PORTS_STRAND_HPP
#define BGXFER_PORTS_STRAND_HPP

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include <asio/execution/blocking.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/execution_context.hpp>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>

#include "task.hpp"

namespace bgxfer::inline v0::detail {

/// An executor that runs functions one at a time, in the order in which they came, on whatever thread the executor
/// below gives it.
///
/// `asio::strand<asio::any_io_executor>` promises the same, but an `any_io_executor` can only hold it with memory from
/// the heap, and asks the executor below about each property that Asio wants to know, with memory again: some twenty
/// allocations for each chunk of a transfer. This one fits, answers for itself, and once its lists have grown takes no
/// memory of its own for a step. Nor does it need luck where memory ends (docs/toolchain.md, F10).
///
/// - A function that is dispatched (`blocking.possibly`) from within the strand runs at once, in the call. From
///   elsewhere it may run in the call when the strand is free and the executor below runs it so.
/// - While anybody holds a copy that tracks outstanding work, the executor below has work too, so `io_context::run`
///   stays.
/// - When the executor below dies, what waits in the strand is destroyed unrun. When it has no memory for the strand's
///   turn, whoever gave the first function hears that from `execute`; a turn that cannot be followed by one goes on
///   instead. Functions that came in between while it was told so get one more try for a turn, and wait for the next
///   function if there is no memory for that either: a strand that nothing is given any more keeps them, and they keep
///   it.
/// - What a function throws leaves through the executor below; those behind it run in a turn of their own.
/// - An executor below that takes nothing any more and does not say so destroys what waits within the call that
///   gave it.
///
/// Any thread may call. A copy may outlive the executor below if it does not track work and runs nothing more.
class BGXFER_API Strand {
 public:
  /// Nothing but an `any_io_executor`: whatever converts to one, as a strand does, would ask for this constructor for
  /// ever.
  template <std::same_as<asio::any_io_executor> Executor>
  explicit Strand(const Executor& below) : core_(make_core(below)) {}
  Strand(const Strand& other) noexcept;
  Strand(Strand&& other) noexcept
      : core_(std::move(other.core_)), never_(other.never_), tracked_(std::exchange(other.tracked_, false)) {}
  Strand& operator=(Strand other) noexcept {
    core_.swap(other.core_);
    std::swap(never_, other.never_);
    std::swap(tracked_, other.tracked_);
    return *this;
  }
  ~Strand();

  template <class Function>
  void execute(Function&& function) const {
    if (!never_ && runs_here()) {
      std::decay_t<Function> taken(std::forward<Function>(function));
      taken();
    } else {
      push(Task(std::forward<Function>(function)));
    }
  }

  // What Asio asks of an executor that an `any_io_executor` holds.
  asio::execution_context& query(asio::execution::context_t) const noexcept;
  asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept;
  asio::execution::outstanding_work_t query(asio::execution::outstanding_work_t) const noexcept;
  Strand require(asio::execution::blocking_t::possibly_t) const noexcept { return with(false, tracked_); }
  Strand require(asio::execution::blocking_t::never_t) const noexcept { return with(true, tracked_); }
  Strand require(asio::execution::outstanding_work_t::tracked_t) const { return with(never_, true); }
  Strand require(asio::execution::outstanding_work_t::untracked_t) const noexcept { return with(never_, false); }

  /// Whether both are the same strand, whatever else they differ in.
  friend bool operator==(const Strand& one, const Strand& other) noexcept { return one.core_ == other.core_; }

 private:
  class Core;
  class Turn;

  static std::shared_ptr<Core> make_core(const asio::any_io_executor& below);
  Strand(std::shared_ptr<Core> core, bool never) noexcept : core_(std::move(core)), never_(never) {}
  Strand with(bool never, bool tracked) const;
  bool runs_here() const noexcept;
  void push(Task task) const;

  std::shared_ptr<Core> core_;
  bool never_ = false;    ///< Never run anything inside `execute`.
  bool tracked_ = false;  ///< Counted by the core.
};

}  // namespace bgxfer::inline v0::detail

#endif
