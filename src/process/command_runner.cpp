#include <bgxfer/process/command_runner.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "../base/duration.hpp"

extern char** environ;

namespace bgxfer::inline v0::process {

namespace {

using Done = std::function<void(std::error_code, int)>;

/// The first look at a child, and the longest time between two.
constexpr std::chrono::milliseconds first_look{5};
constexpr std::chrono::milliseconds slowest_look{500};

/// What a shell says of a program that a signal ended.
constexpr int exit_code_of_signals = 128;

std::error_code system_error(int number) { return {number, std::generic_category()}; }

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_for(const Event& event) {
  std::vector<std::string> all;
  for (char** variable = environ; variable && *variable; ++variable) {
    if (!std::string_view(*variable).starts_with("BGXFER_")) all.emplace_back(*variable);
  }
  all.push_back("BGXFER_JOB=" + job_of(event).to_string());
  all.push_back(std::string("BGXFER_EVENT=") +
                (std::holds_alternative<JobTransferred>(event) ? "transferred" : "error"));
  return all;
}

/// How the child begins: an empty input, and none of this process's blocked or ignored signals.
class SpawnSetup {
 public:
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// One child, looked at now and then until it has ended.
class Child : public std::enable_shared_from_this<Child> {
 public:
  Child(const asio::any_io_executor& executor, pid_t pid, std::chrono::milliseconds time_max, Done done)
      : timer_(executor), pid_(pid), deadline_(std::chrono::steady_clock::now() + time_max), done_(std::move(done)) {}

  void look_later() {
    timer_.expires_after(pause_);
    pause_ = std::min(2 * pause_, slowest_look);
    timer_.async_wait([self = shared_from_this()](std::error_code) { self->look(); });
  }

 private:
  void look() {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended < 0 && errno == EINTR) return look_later();
    if (ended < 0) return done_(system_error(errno), 0);
    if (ended == 0) {
      if (std::chrono::steady_clock::now() >= deadline_ && !std::exchange(killed_, true)) ::kill(pid_, SIGKILL);
      return look_later();
    }
    if (killed_) return done_(std::make_error_code(std::errc::timed_out), 0);
    const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : exit_code_of_signals + WTERMSIG(status);
    done_({}, exit_code);
  }

  asio::steady_timer timer_;
  const pid_t pid_;
  const std::chrono::steady_clock::time_point deadline_;
  const Done done_;
  std::chrono::milliseconds pause_ = first_look;
  bool killed_ = false;
};

void start(const asio::any_io_executor& executor, std::chrono::milliseconds time_max, const NotifyCommand& command,
           const Event& event, Done done) {
  std::vector<std::string> words = {command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = environment_for(event);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> variables = pointers_to(environment);
  const SpawnSetup setup;
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, command.program.c_str(), setup.actions(), setup.attributes(), arguments.data(),
                                   variables.data());
  if (failed != 0) {
    asio::post(executor, [done = std::move(done), failed] { done(system_error(failed), 0); });
    return;
  }
  std::make_shared<Child>(executor, pid, time_max, std::move(done))->look_later();
}

}  // namespace

CommandRunner make_command_runner(asio::any_io_executor executor, CommandRunnerOptions options) {
  return [executor = std::move(executor), time_max = bgxfer::detail::at_most_duration_max(options.time_max)](
             const NotifyCommand& command, const Event& event, const Done& done) {
    start(executor, time_max, command, event, done);
  };
}

}  // namespace bgxfer::inline v0::process
