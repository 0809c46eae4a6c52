#include <bgxfer/process/command_runner.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <unistd.h>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

using namespace bgxfer;
using namespace std::chrono_literals;

namespace {

struct Ended {
  std::error_code error;
  int exit_code = -1;
};

/// Runs one command to its end.
Ended run(const NotifyCommand& command, const Event& event = JobTransferred{},
          process::CommandRunnerOptions options = {}) {
  asio::io_context io;
  const CommandRunner runner = process::make_command_runner(io.get_executor(), options);
  std::optional<Ended> ended;
  runner(command, event, [&ended](std::error_code error, int exit_code) { ended = Ended{error, exit_code}; });
  CHECK_FALSE(ended);  // Never inside the call.
  io.run();
  REQUIRE(ended);
  return *ended;
}

/// A folder of this test, gone at its end.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("bgxfer-command-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("3.4: the exit code is the program's, and a signal is a failure") {
  CHECK(run({"/bin/sh", {"-c", "exit 0"}}).exit_code == 0);
  CHECK(run({"/bin/sh", {"-c", "exit 7"}}).exit_code == 7);
  CHECK(run({"/bin/sh", {"-c", "kill -TERM $$"}}).exit_code == 128 + 15);
}

TEST_CASE("3.4: a program that cannot be run says why") {
  const Ended missing = run({"/nowhere/at/all", {}});
  CHECK(missing.error == std::errc::no_such_file_or_directory);
  // No search path: a bare name is not looked up.
  CHECK(run({"sh", {"-c", "exit 0"}}).error == std::errc::no_such_file_or_directory);
}

TEST_CASE("3.4: arguments arrive as they are, without a shell, and the program is told of what") {
  const Folder folder;
  const std::filesystem::path out = folder.path / "out";
  const JobId id = JobId::from_random(1, 2);
  const NotifyCommand command{"/bin/sh",
                              {"-c", "printf '%s|' \"$@\" \"$BGXFER_JOB\" \"$BGXFER_EVENT\" > \"$0\"; cat",
                               out.string(), "a b", "$HOME", "", "*; echo"}};
  CHECK(run(command, JobTransferred{id}).exit_code == 0);
  CHECK(text_of(out) == "a b|$HOME||*; echo|" + id.to_string() + "|transferred|");
  const Event failed = JobFailed{id, Error(Errc::stalled, ErrorContext::transport)};
  CHECK(run(command, failed).exit_code == 0);
  CHECK(text_of(out).ends_with("|error|"));
}

TEST_CASE("3.4: a program that does not end is killed after its time") {
  process::CommandRunnerOptions options;
  options.time_max = 50ms;
  const auto began = std::chrono::steady_clock::now();
  const Ended ended = run({"/bin/sleep", {"60"}}, JobTransferred{}, options);
  CHECK(ended.error == std::errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - began < 30s);
}
