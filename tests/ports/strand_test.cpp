#include "ports/strand.hpp"

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <asio/dispatch.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>

#include "support/counted_heap.hpp"

using bgxfer::detail::Strand;
using bgxfer::test::allocations;
using bgxfer::test::counts_allocations;

namespace {

asio::any_io_executor strand_on(asio::io_context& io) { return Strand(asio::any_io_executor(io.get_executor())); }

/// An executor that has no memory while it is told so.
class Poor {
 public:
  using Inner = asio::io_context::executor_type;
  Poor(asio::io_context& io, std::shared_ptr<bool> refuses) : inner_(io.get_executor()), refuses_(std::move(refuses)) {}

  /// Once, before it says that it has none.
  void before_refusing(std::function<void()> call) const { *before_ = std::move(call); }

  asio::execution_context& query(asio::execution::context_t) const noexcept { return inner_.context(); }
  Poor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
  Poor require(asio::execution::outstanding_work_t::tracked_t) const {
    if (*refuses_) throw std::bad_alloc();
    Poor tracked = *this;
    tracked.work_ = std::make_shared<std::any>(asio::require(inner_, asio::execution::outstanding_work.tracked));
    return tracked;
  }
  template <class Function>
  void execute(Function&& function) const {
    if (*refuses_) {
      if (*before_) std::exchange(*before_, nullptr)();
      throw std::bad_alloc();
    }
    asio::post(inner_, std::forward<Function>(function));
  }
  friend bool operator==(const Poor& one, const Poor& other) noexcept { return one.inner_ == other.inner_; }

 private:
  Inner inner_;
  std::shared_ptr<bool> refuses_;
  std::shared_ptr<std::function<void()>> before_ = std::make_shared<std::function<void()>>();
  std::shared_ptr<std::any> work_;
};

/// An executor that drops all that it is given.
class Deaf {
 public:
  explicit Deaf(asio::io_context& io) : io_(&io) {}

  asio::execution_context& query(asio::execution::context_t) const noexcept { return *io_; }
  Deaf require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
  template <class Function>
  void execute(Function&& function) const {
    [[maybe_unused]] const std::decay_t<Function> dropped(std::forward<Function>(function));
  }
  friend bool operator==(const Deaf& one, const Deaf& other) noexcept { return one.io_ == other.io_; }

 private:
  asio::io_context* io_;
};

}  // namespace

TEST_CASE("a strand runs what it is given in order") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i)
    asio::post(strand, [&ran, &strand, i] {
      ran.push_back(i);
      if (i == 1) asio::post(strand, [&ran] { ran.push_back(10); });
    });
  CHECK(ran.empty());
  io.run();
  CHECK(ran == std::vector<int>{0, 1, 2, 3, 4, 10});
}

TEST_CASE("what is dispatched from within a strand runs at once, what is posted does not") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  const asio::any_io_executor other = strand_on(io);
  std::vector<int> ran;
  asio::post(strand, [&] {
    asio::post(strand, [&] { ran.push_back(3); });
    asio::dispatch(strand, [&] { ran.push_back(0); });
    // Through another one, and back into this one, which is still at work.
    asio::dispatch(other, [&] {
      ran.push_back(1);
      asio::dispatch(strand, [&] { ran.push_back(2); });
    });
  });
  io.run();
  CHECK(ran == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("a strand never runs two functions at once, on however many threads") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  constexpr int rounds = 5'000;
  int count = 0;  // Not atomic: the strand is all that protects it.
  std::atomic<int> inside = 0;
  bool met = false;
  const auto step = [&] {
    if (inside.fetch_add(1) != 0) met = true;
    ++count;
    inside.fetch_sub(1);
  };
  const auto guard = asio::prefer(io.get_executor(), asio::execution::outstanding_work.tracked);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { io.run(); });
  std::array<std::thread, 2> givers;
  for (std::thread& giver : givers)
    giver = std::thread([&] {
      for (int i = 0; i < rounds; ++i) {
        asio::post(strand, step);
        asio::post(io, [&] { asio::dispatch(strand, step); });
      }
    });
  for (std::thread& giver : givers) giver.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  while (!io.stopped() && std::chrono::steady_clock::now() < deadline) {
    asio::post(strand, [&] {
      if (count == 4 * rounds) io.stop();
    });
    std::this_thread::yield();
  }
  io.stop();
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 4 * rounds);
  CHECK(!met);
}

TEST_CASE("a copy that tracks work keeps the executor below at it, any other does not") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  io.poll();
  CHECK(io.stopped());
  io.restart();
  {
    const auto work = asio::prefer(strand, asio::execution::outstanding_work.tracked);
    {
      auto more = work;
      const auto moved = std::move(more);
      const auto none = asio::prefer(moved, asio::execution::outstanding_work.untracked);
      io.poll();
      CHECK(!io.stopped());
    }
    io.poll();
    CHECK(!io.stopped());
  }
  io.poll();
  CHECK(io.stopped());
}

TEST_CASE("what waits in a strand when the executor below dies is destroyed unrun") {
  const auto witness = std::make_shared<int>(0);
  asio::any_io_executor survivor;
  {
    asio::io_context io;
    const asio::any_io_executor strand = strand_on(io);
    survivor = strand;
    // Each holds the strand that holds it.
    for (int i = 0; i < 3; ++i) asio::post(strand, [witness, strand] { ++*witness; });
    io.run_one();
    for (int i = 0; i < 3; ++i) asio::post(strand, [witness, strand] { ++*witness; });
    CHECK(*witness == 3);
  }
  CHECK(*witness == 3);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("what waits may give more to a strand while it is destroyed with the executor below") {
  const auto witness = std::make_shared<int>(0);
  struct Heir {
    asio::any_io_executor strand;
    std::shared_ptr<int> witness;
    ~Heir() {
      asio::post(strand, [kept = witness] { ++*kept; });
    }
  };
  {
    asio::io_context io;
    const asio::any_io_executor strand = strand_on(io);
    for (int i = 0; i < 3; ++i)
      asio::post(strand, [heir = std::make_unique<Heir>(Heir{strand, witness})] { FAIL("unrun"); });
  }
  CHECK(witness.use_count() == 1);
}

TEST_CASE("what a function throws leaves through the executor below, and those behind it run all the same") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  std::vector<int> ran;
  asio::post(strand, [&] { ran.push_back(0); });
  asio::post(strand, [] { throw std::runtime_error("meant"); });
  asio::post(strand, [&] { ran.push_back(1); });
  CHECK_THROWS_AS(io.run(), std::runtime_error);
  CHECK(ran == std::vector<int>{0});
  asio::post(strand, [&] { ran.push_back(2); });
  io.run();
  CHECK(ran == std::vector<int>{0, 1, 2});
}

TEST_CASE(
    "whoever gives something to a strand hears it if the executor below has no memory, and the strand goes on later") {
  asio::io_context io;
  const auto refuses = std::make_shared<bool>(true);
  const asio::any_io_executor strand = Strand(asio::any_io_executor(Poor(io, refuses)));
  const auto witness = std::make_shared<int>(0);
  CHECK_THROWS_AS(asio::post(strand, [witness] { ++*witness; }), std::bad_alloc);
  CHECK(witness.use_count() == 1);
  *refuses = false;
  // A turn that no other can follow goes on instead, also where that is only known at its end.
  asio::post(strand, [&] {
    asio::post(strand, [&, witness] {
      ++*witness;
      asio::post(strand, [witness] { ++*witness; });
    });
    *refuses = true;
  });
  io.run();
  CHECK(*witness == 2);
  // So does one of which a function throws, and it tells in the end.
  *refuses = false;
  asio::post(strand, [&] {
    *refuses = true;
    throw std::runtime_error("meant");
  });
  asio::post(strand, [witness, strand] { ++*witness; });
  io.restart();
  CHECK_THROWS_AS(io.run(), std::runtime_error);
  CHECK(*witness == 3);
  CHECK_THROWS_AS(asio::post(strand, [witness] { *witness += 100; }), std::bad_alloc);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("what comes to a strand while its first function is refused runs all the same") {
  asio::io_context io;
  const auto refuses = std::make_shared<bool>(true);
  const Poor poor(io, refuses);
  const asio::any_io_executor strand = Strand(asio::any_io_executor(poor));
  bool ran = false;
  poor.before_refusing([&] {
    std::thread([&] { asio::post(strand, [&] { ran = true; }); }).join();
    *refuses = false;
  });
  CHECK_THROWS_AS(asio::post(strand, [] { FAIL("refused"); }), std::bad_alloc);
  io.run();
  CHECK(ran);
}

TEST_CASE("a strand that could not hold the executor below at work does so when it can") {
  asio::io_context io;
  const auto refuses = std::make_shared<bool>(true);
  const asio::any_io_executor strand = Strand(asio::any_io_executor(Poor(io, refuses)));
  const auto tracked = [&] { return asio::prefer(strand, asio::execution::outstanding_work.tracked); };
  CHECK_THROWS_AS(tracked(), std::bad_alloc);
  *refuses = false;
  {
    const auto work = tracked();
    io.poll();
    CHECK(!io.stopped());
  }
  io.poll();
  CHECK(io.stopped());
}

TEST_CASE("what is given to a strand whose executor takes nothing more, and says nothing, is destroyed") {
  asio::io_context io;
  const auto witness = std::make_shared<int>(0);
  const asio::any_io_executor strand = Strand(asio::any_io_executor(Deaf(io)));
  asio::post(strand, [witness, strand] { ++*witness; });
  CHECK(witness.use_count() == 1);
}

TEST_CASE("a strand takes no memory for a step" * doctest::skip(!counts_allocations)) {
  asio::io_context io(1);
  const asio::any_io_executor strand = strand_on(io);
  std::size_t steps = 0;
  std::size_t taken = 0;
  struct Step {
    const asio::any_io_executor& strand;
    std::size_t& steps;
    std::size_t& taken;
    void operator()() const {
      if (++steps == 100) allocations = 0;
      if (steps == 1'000) taken = allocations;
      if (steps < 1'000) asio::post(strand, *this);
    }
  };
  asio::post(strand, Step{strand, steps, taken});
  io.run();
  CHECK(steps == 1'000);
  CHECK(taken == 0);
}

TEST_CASE("functions of any size may be given to a strand, also such that can only be moved") {
  asio::io_context io;
  const Strand strand{asio::any_io_executor(io.get_executor())};
  std::array<int, 32> large{};
  large.back() = 7;
  int seen = 0;
  asio::post(strand, [large, &seen, only = std::make_unique<int>(1)] { seen = large.back() + *only; });
  io.run();
  CHECK(seen == 8);
}

TEST_CASE("copies of a strand are equal whatever they ask for, and two strands are not") {
  asio::io_context io;
  const asio::any_io_executor strand = strand_on(io);
  CHECK(asio::require(strand, asio::execution::blocking.never) ==
        asio::prefer(strand, asio::execution::outstanding_work.tracked));
  CHECK(strand != strand_on(io));
  CHECK(&asio::query(strand, asio::execution::context) == &io);
}
