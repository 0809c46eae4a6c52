#include "httplib/crew.hpp"

#include <signal.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using bgxfer::httplib::detail::Crew;

TEST_CASE("a crew has as many threads as it needs, and never more than its limit") {
  for (std::ptrdiff_t limit : {1, 3}) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::latch all_busy(limit);
    std::latch done(3 * limit);
    Crew crew(static_cast<std::size_t>(limit));
    for (std::ptrdiff_t i = 0; i < 3 * limit; ++i) {
      CHECK(crew.run([&, i] {
        // Only `limit` threads at once let the first ones go on.
        if (i < limit) all_busy.arrive_and_wait();
        {
          const std::lock_guard lock(mutex);
          threads.insert(std::this_thread::get_id());
        }
        done.count_down();
      }));
    }
    done.wait();
    const std::lock_guard lock(mutex);
    CHECK(threads.size() == static_cast<std::size_t>(limit));
  }
}

TEST_CASE("work waits in line, first come, first served") {
  std::vector<int> order;
  std::latch done(5);
  Crew crew(1);
  for (int i = 0; i < 5; ++i) {
    CHECK(crew.run([&, i] {
      order.push_back(i);
      done.count_down();
    }));
  }
  done.wait();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a crew that ends finishes what has begun and drops the rest") {
  std::latch begun(1);
  std::latch go_on(1);
  bool finished = false;
  bool dropped = true;
  {
    Crew crew(1);
    CHECK(crew.run([&] {
      begun.count_down();
      go_on.wait();
      finished = true;
    }));
    begun.wait();
    struct TellWhenDropped {
      std::latch& told;
      explicit TellWhenDropped(std::latch& latch) : told(latch) {}
      ~TellWhenDropped() { told.count_down(); }
    };
    // The destructor lets go of what is in line before it waits: that sets the thread free.
    CHECK(crew.run([&dropped, tell = std::make_shared<TellWhenDropped>(go_on)] { dropped = false; }));
  }
  CHECK(finished);
  CHECK(dropped);
}

TEST_CASE("the threads of a crew hear no signals") {
  sigset_t mask;
  std::latch done(1);
  Crew crew(1);
  CHECK(crew.run([&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    done.count_down();
  }));
  done.wait();
  CHECK(sigismember(&mask, SIGPIPE) == 1);
  CHECK(sigismember(&mask, SIGTERM) == 1);
}
