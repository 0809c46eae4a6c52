// The whole queue on several threads, against real sockets and a real disk. What is right with one thread is told by
// the other rooms, in virtual time; here it is the threads that get into each other's way, under the thread sanitizer
// too.
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/openssl/sha256.hpp>

#include "badservers/bad_server.hpp"
#include "badservers/trial.hpp"
#include "disk/disk_world.hpp"

using namespace std::chrono_literals;
using bad_servers::Asked;
using bad_servers::BadServer;
using bad_servers::Peer;
using bad_servers::Then;
using bgxfer::Job;

namespace {

constexpr std::size_t jobs_count = 6;
constexpr std::array<std::size_t, 5> sizes = {1, 4'000, 65'536, 300'001, 900'000};
constexpr auto patience = 120s;  // A wait that takes longer has failed; minutes more than a sanitizer needs.

/// What a server has for each path: "/<job>/<file>".
class Content {
 public:
  Content() {
    for (std::size_t job = 0; job < jobs_count; ++job) {
      for (std::size_t file = 0; file < sizes.size(); ++file)
        bytes_[path(job, file)] = bad_servers::resource(sizes[file], job * sizes.size() + file + 1);
    }
  }

  static std::string path(std::size_t job, std::size_t file) {
    return "/" + std::to_string(job) + "/" + std::to_string(file);
  }
  [[nodiscard]] const std::string& at(const std::string& path) const { return bytes_.at(path); }
  [[nodiscard]] const std::string& at(std::size_t job, std::size_t file) const { return at(path(job, file)); }

 private:
  std::map<std::string, std::string> bytes_;
};

/// Right bytes from a server that breaks off after every `cut_each`th answer, in the middle of a long one.
BadServer::Answer flaky(const Content& content, int cut_each) {
  return [&content, cut_each](Peer& peer, const Asked& asked) {
    const std::string& bytes = content.at(asked.path());
    const std::string tag = "ETag: \"" + asked.path() + "\"\r\n";
    if (asked.number % cut_each == cut_each - 1) {
      bad_servers::good(peer, asked, bytes, tag, bytes.size() / 3);
      return Then::reset;
    }
    bad_servers::good(peer, asked, bytes, tag);
    return Then::keep;
  };
}

/// Two servers with the same content, a folder, and the options of a queue that uses all that threads could share.
class World {
 public:
  [[nodiscard]] bgxfer::QueueOptions queue_options() const {
    bgxfer::http::TransportOptions http;
    http.quiet_connection_timeout = 10ms;
    bgxfer::QueueOptions options;
    options.transport = bgxfer::http::make_transport(http);
    options.storage = bgxfer::disk::make_storage();
    options.sha256 = bgxfer::openssl::sha256();
    options.journal = folder_.path() / "journal";
    options.limits.claim_bytes = 64 * 1024;
    options.chunk_bytes = 16 * 1024;
    return options;
  }

  [[nodiscard]] bgxfer::JobOptions job_options(std::size_t job) const {
    bgxfer::JobOptions options;
    options.display_name = std::to_string(job);
    options.parallel_files = 3;
    options.connections_per_file = 2;
    options.retry_delay_min = 1ms;
    options.retry_delay_max = 20ms;
    for (std::size_t file = 0; file < sizes.size(); ++file) {
      bgxfer::FileSpec spec;
      spec.url = server_.url(Content::path(job, file));
      spec.mirrors = {mirror_.url(Content::path(job, file))};
      spec.target = target(job, file);
      spec.sha256 = bad_servers::sha256_of(content_.at(job, file));
      options.files.push_back(spec);
    }
    return options;
  }

  [[nodiscard]] std::filesystem::path target(std::size_t job, std::size_t file) const {
    return folder_.path() / (std::to_string(job) + "-" + std::to_string(file));
  }

  void check_files() const {
    for (std::size_t job = 0; job < jobs_count; ++job) {
      for (std::size_t file = 0; file < sizes.size(); ++file) {
        std::ifstream in(target(job, file), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(in), {});
        CAPTURE(target(job, file));
        CHECK((bytes == content_.at(job, file)));
      }
    }
  }

 private:
  Content content_;
  TemporaryFolder folder_;
  BadServer server_{flaky(content_, 7)};
  BadServer mirror_{flaky(content_, 5)};
};

/// What a future brings, in time.
template <class T>
T in_time(std::future<T> future) {
  REQUIRE(future.wait_for(patience) == std::future_status::ready);
  return future.get();
}

asio::awaitable<bool> bring_home(Job job) {
  const bgxfer::Result<void> arrived = co_await job.transferred();
  if (!arrived) co_return false;
  job.complete();
  const bgxfer::Result<void> named = co_await job.completed();
  co_return named.has_value();
}

/// One call of a host that cannot make up its mind.
void meddle(const bgxfer::TransferQueue& queue, Job& job, std::minstd_rand& random, std::atomic<int>& heard) {
  switch (random() % 10) {
    case 0: job.suspend(); break;
    case 1:
    case 2: job.resume(); break;
    case 3: job.set_priority(static_cast<bgxfer::Priority>(random() % 4)); break;
    case 4: job.configure([&](bgxfer::JobOptions& options) { options.connections_per_file = 1 + random() % 3; }); break;
    case 5: {
      const bgxfer::Subscription ears = job.on_event([&heard](const bgxfer::Event&) { ++heard; });
      std::this_thread::yield();
      break;
    }
    case 6: (void)job.progress(); break;
    case 7: (void)job.files().front().progress(); break;
    case 8: (void)queue.metrics(); break;
    default: (void)queue.find(job.id()); break;
  }
}

}  // namespace

TEST_CASE("on a pool of four threads, with two more that give commands, every job arrives byte for byte") {
  const World world;
  asio::thread_pool pool(4);
  std::atomic<bool> inside = false;
  std::atomic<int> overlapping = 0, heard = 0;
  std::atomic<std::size_t> transferred = 0;
  std::promise<void> all_heard;
  std::vector<std::future<bool>> homecomings;
  {
    bgxfer::TransferQueue queue(pool.get_executor(), world.queue_options());
    const bgxfer::Subscription events = queue.on_event([&](const bgxfer::Event& event) {
      if (inside.exchange(true)) ++overlapping;
      if (std::holds_alternative<bgxfer::FileTransferred>(event) && ++transferred == jobs_count * sizes.size())
        all_heard.set_value();
      inside = false;
    });
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < jobs_count; ++i) {
      bgxfer::Result<Job> added = queue.add(world.job_options(i));
      REQUIRE(added);
      jobs.push_back(*added);
      homecomings.push_back(asio::co_spawn(pool, bring_home(jobs.back()), asio::use_future));
    }
    for (Job& job : jobs) job.resume();

    std::array<std::jthread, 2> hosts;
    for (unsigned seed = 0; seed < hosts.size(); ++seed) {
      hosts[seed] = std::jthread([&queue, &heard, jobs, seed]() mutable {
        std::minstd_rand random(seed + 1);
        for (int i = 0; i < 600; ++i) {
          meddle(queue, jobs[random() % jobs.size()], random, heard);
          if (i % 8 == 0) std::this_thread::yield();
        }
      });
    }
    for (std::jthread& host : hosts) host.join();
    for (Job& job : jobs) job.resume();

    for (std::future<bool>& homecoming : homecomings) CHECK(in_time(std::move(homecoming)));
    in_time(all_heard.get_future());  // A closed queue tells no more.
    queue.close();
    in_time(asio::co_spawn(pool, queue.closed(), asio::use_future));
  }
  pool.join();
  CHECK(overlapping == 0);
  CHECK(transferred == jobs_count * sizes.size());
  world.check_files();
}

TEST_CASE("a queue that is destroyed while four threads work leaves what the next one goes on from") {
  const World world;
  bgxfer::QueueOptions options = world.queue_options();
  options.bytes_per_second_max = 8'000'000;  // However late this thread wakes up, it takes more than a life or two.
  int lives = 0;
  for (bool done = false; !done; ++lives) {
    REQUIRE(lives < 200);
    asio::thread_pool pool(4);
    std::jthread observer;
    {
      bgxfer::TransferQueue queue(pool.get_executor(), options);
      REQUIRE(in_time(asio::co_spawn(pool, queue.restored(), asio::use_future)));
      if (lives == 0) {
        for (std::size_t i = 0; i < jobs_count; ++i) REQUIRE(queue.add(world.job_options(i)));
        REQUIRE(in_time(asio::co_spawn(pool, queue.saved(), asio::use_future)));
      }
      std::vector<Job> jobs = queue.jobs();
      observer = std::jthread([jobs](const std::stop_token& over) mutable {  // Handles outlive their queue.
        for (std::size_t i = 0; !over.stop_requested(); ++i) {
          Job& job = jobs[i % jobs.size()];
          (void)job.progress();
          (void)job.error();
          if (i % 16 == 0) job.set_priority(static_cast<bgxfer::Priority>(i / 16 % 4));
          std::this_thread::yield();
        }
      });
      for (Job& job : jobs) {
        job.resume();
        asio::co_spawn(pool, bring_home(job), asio::detached);
      }
      const std::uint64_t enough = 100'000;
      const auto until = std::chrono::steady_clock::now() + patience;
      while (queue.metrics().bytes_received < enough && !queue.jobs().empty()) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        std::this_thread::yield();
      }
      done = queue.jobs().empty();
    }
    pool.join();
    observer = {};
  }
  CHECK(lives > 2);
  world.check_files();
}

TEST_CASE("a subscription that ends on another thread waits for a call that is running, and hears no more") {
  const World world;
  bgxfer::BackgroundThread thread;
  bgxfer::TransferQueue queue(thread.executor(), world.queue_options());
  std::promise<void> inside, go_on;
  std::atomic<int> heard = 0;
  bgxfer::Subscription ears = queue.on_event([&, released = go_on.get_future().share()](const bgxfer::Event&) {
    if (++heard > 1) return;
    inside.set_value();
    released.wait();
  });
  for (std::size_t i = 0; i < jobs_count; ++i) {
    bgxfer::Result<Job> added = queue.add(world.job_options(i));
    REQUIRE(added);
    added->resume();
  }
  in_time(inside.get_future());

  std::future<void> ended = std::async(std::launch::async, [&ears] { ears.reset(); });
  CHECK(ended.wait_for(50ms) == std::future_status::timeout);
  go_on.set_value();
  in_time(std::move(ended));
  const int last = heard;
  for (const Job& job : queue.jobs()) {
    CHECK(in_time(asio::co_spawn(thread.executor(), bring_home(job), asio::use_future)));
  }
  CHECK(heard == last);
  world.check_files();
}
