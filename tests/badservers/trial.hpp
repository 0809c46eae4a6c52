#ifndef BGXFER_TESTS_BADSERVERS_TRIAL_HPP
#define BGXFER_TESTS_BADSERVERS_TRIAL_HPP

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/openssl/sha256.hpp>

#include "bad_server.hpp"
#include "disk/disk_world.hpp"
#include "support/sanitized.hpp"
#include "support/tls_authority.hpp"

namespace bad_servers {

using namespace std::chrono_literals;
using bgxfer::Errc;
using bgxfer::Failure;
using bgxfer::JobState;
using bgxfer::WaitReason;

using bgxfer::test::sanitized;

/// How far the memory of this process, the scripted servers' included, grows above what it was; but for the pages of
/// its own code, which come as it is used for the first time, whatever a server does. Means nothing under a sanitizer,
/// which keeps what was freed.
class PeakMemory {
 public:
  PeakMemory() {
    // The memory that a thread's own arena keeps would be counted once for each thread of a scripted server.
    [[maybe_unused]] static const int arenas = ::mallopt(M_ARENA_MAX, 1);
    ::malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";  // The peak begins anew.
    before_ = read("VmRSS:");
    code_before_ = read("RssFile:");
  }
  [[nodiscard]] std::int64_t growth() const {
    const std::int64_t code = std::max<std::int64_t>(read("RssFile:") - code_before_, 0);
    return std::max<std::int64_t>(read("VmHWM:") - before_ - code, 0);
  }

 private:
  static std::int64_t read(std::string_view name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(name)) return std::stoll(line.substr(name.size())) * 1024;
    }
    return 0;
  }
  std::int64_t before_ = 0;
  std::int64_t code_before_ = 0;
};

/// How a job ended.
struct Ended {
  JobState state{};
  std::optional<bgxfer::Error> error{};           ///< What stopped it.
  std::vector<bgxfer::AttemptFailed> failures{};  ///< What it tried again after.
  std::uint64_t received = 0;                     ///< Payload bytes taken from the network.
  std::chrono::milliseconds took{};
  std::vector<std::optional<std::string>> files{};  ///< What stands under the final names.
  std::vector<std::string> names{};                 ///< Everything in the folder, sorted.

  [[nodiscard]] std::error_code code() const { return error ? error->code() : std::error_code(); }
  [[nodiscard]] bool failed_with(std::error_code code) const {
    return std::any_of(failures.begin(), failures.end(), [&](const auto& it) { return it.error.code() == code; });
  }
};

/// One certificate authority for the whole program.
inline const http_test::TlsAuthority& authority() {
  static const http_test::TlsAuthority made;
  return made;
}
inline SSL_CTX* server_tls() {
  static const http_test::ServerTls made = authority().server();
  return made.get();
}

/// One run of a test that is made several times: over a plain connection and over TLS, in each of its cases.
struct Run {
  bool tls = false;
  std::size_t which = 0;  ///< Of the cases, from 0.
};

/// Call it once, at the top of a test: doctest runs the test again for every answer.
inline Run each(std::initializer_list<const char*> cases) {
  Run run;
  for (const bool tls : {false, true}) {
    std::size_t which = 0;
    for (const char* name : cases) {
      const std::string label = std::string(name) + (tls ? ", TLS" : ", plain");
      SUBCASE(label.c_str()) {
        run.tls = tls;
        run.which = which;
      }
      ++which;
    }
  }
  return run;
}
inline bool over_tls() { return each({"one case"}).tls; }

/// One job against bad servers, through the public interface alone: queue, native transport, real disk. Whatever
/// happens is over in `verdict_within`, costs at most `memory_growth_max`, and leaves nothing under a final name unless
/// the job is completed.
class Trial {
 public:
  static constexpr std::int64_t memory_growth_max = 2 * 1024 * 1024;

  explicit Trial(bool over_tls = false) : tls(over_tls ? server_tls() : nullptr) {
    transport.ca_bundle = authority().file();
    transport.connect_timeout = 2s;
    transport.first_byte_timeout = 5s;
    transport.stall_timeout = 5s;
    transport.quiet_connection_timeout = 10ms;
    job.retry_delay_min = 5ms;
    job.retry_delay_max = 100ms;
    job.no_progress_timeout = 1s;
  }

  SSL_CTX* const tls;  ///< For servers. Empty: plain.
  bgxfer::http::TransportOptions transport{};
  bgxfer::QueueOptions queue{};
  bgxfer::JobOptions job{};
  std::chrono::milliseconds verdict_within = sanitized ? 20s : 8s;
  bool stop_at_first_failure = false;
  /// Called when the job waits for its host; true: the host has done something, go on.
  std::function<bool(bgxfer::Job&)> mend{};

  [[nodiscard]] std::filesystem::path path(const std::string& name = "file") const { return folder_.path() / name; }

  /// Starts the server of this trial.
  BadServer& serve(BadServer::Answer script) { return server_.emplace(std::move(script), tls); }

  /// One file from the trial's server.
  Ended run() { return run(server_->url()); }
  Ended run(const std::string& url) {
    bgxfer::FileSpec file = spec;
    file.url = url;
    file.target = path();
    return run(std::vector<bgxfer::FileSpec>{file});
  }
  /// What is known of the file of `run()`.
  bgxfer::FileSpec spec{};

  Ended run(std::vector<bgxfer::FileSpec> files) {
    const PeakMemory memory;
    const auto began = std::chrono::steady_clock::now();
    Ended ended = go(files);
    if (server_) server_->end_connections();
    ended.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    const std::int64_t grown = memory.growth();
    CAPTURE(grown);
    if (!sanitized) CHECK(grown <= memory_growth_max);
    CHECK(ended.took < verdict_within);

    for (const bgxfer::FileSpec& file : files) {
      std::ifstream in(file.target, std::ios::binary);
      ended.files.push_back(in ? std::optional(std::string(std::istreambuf_iterator<char>(in), {})) : std::nullopt);
      if (ended.state != JobState::completed) CHECK_FALSE(ended.files.back());
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      ended.names.push_back(entry.path().filename().string());
    }
    std::sort(ended.names.begin(), ended.names.end());
    return ended;
  }

 private:
  Ended go(const std::vector<bgxfer::FileSpec>& files) {
    Ended ended;
    asio::io_context io;
    bgxfer::QueueOptions options = queue;
    options.transport = bgxfer::http::make_transport(transport);
    options.storage = bgxfer::disk::make_storage();
    options.sha256 = bgxfer::openssl::sha256();
    bgxfer::TransferQueue running(io.get_executor(), options);

    bgxfer::JobOptions wanted = job;
    wanted.files = files;
    bgxfer::Result<bgxfer::Job> added = running.add(wanted);
    if (!added) {
      ended.error = added.error();
      ended.state = JobState::error;
      return ended;
    }
    bgxfer::Job handle = *added;
    const bgxfer::Subscription events = handle.on_event([&](const bgxfer::Event& event) {
      if (const auto* failed = std::get_if<bgxfer::AttemptFailed>(&event)) {
        ended.failures.push_back(*failed);
        if (stop_at_first_failure) handle.cancel();
      }
    });
    handle.resume();
    const auto rethrow = [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io, watch(running, handle, ended), rethrow);
    io.run_for(verdict_within);
    return ended;
  }

  asio::awaitable<void> watch(bgxfer::TransferQueue& running, bgxfer::Job& handle, Ended& ended) {
    for (;;) {
      const bgxfer::Result<void> moved = co_await handle.transferred();
      if (moved) {
        handle.complete();
        const bgxfer::Result<void> named = co_await handle.completed();
        if (!named) ended.error = named.error();
      } else {
        ended.error = moved.error();
        if (mend && handle.state() == JobState::error && mend(handle)) continue;
      }
      break;
    }
    if (ended.state = handle.state(); ended.state == JobState::completed) ended.error.reset();
    ended.received = handle.bytes_received();
    running.close();
    co_await running.closed();
  }

  TemporaryFolder folder_;
  std::optional<BadServer> server_;
};

inline bgxfer::Sha256 sha256_of(const std::string& content) {
  const std::unique_ptr<bgxfer::Sha256Stream> stream = bgxfer::openssl::sha256()();
  stream->update(std::as_bytes(std::span(content)));
  return stream->finish();
}

/// The file is there, byte for byte, and nothing else is.
inline void check_right(const Ended& ended, const std::string& content) {
  CAPTURE(ended.error ? ended.error->message() : "no error");
  CHECK(ended.state == JobState::completed);
  REQUIRE(ended.files.size() == 1);
  REQUIRE(ended.files.front());
  CHECK(ended.files.front()->size() == content.size());
  CHECK((*ended.files.front() == content));
  CHECK(ended.names == std::vector<std::string>{"file"});
}

/// The job waits for its host with this error, and nothing stands under the final name.
inline void check_failed(const Ended& ended, std::error_code code) {
  CAPTURE(ended.error ? ended.error->message() : "no error");
  CHECK(ended.state == JobState::error);
  CHECK(ended.code() == code);
}

/// The job ran out of time for progress, and the last thing that failed was this.
inline void check_exhausted(const Ended& ended, std::error_code code) {
  CAPTURE(ended.error ? ended.error->message() : "no error");
  CHECK(ended.state == JobState::error);
  CHECK((ended.code() == code || ended.code() == Errc::no_progress));
  CHECK(ended.failed_with(code));
}

}  // namespace bad_servers

#endif
