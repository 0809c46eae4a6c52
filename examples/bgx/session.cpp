#include "session.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/file/file_transport.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/openssl/sha256.hpp>
#include <bgxfer/scheme_transport.hpp>

#include "cost_watch.hpp"
#include "display.hpp"
#include "failure.hpp"
#include "held_transport.hpp"
#include "json_lines.hpp"
#include "log_file.hpp"
#include "plain_lines.hpp"
#include "stats.hpp"
#include "text.hpp"

namespace bgx {

namespace {

constexpr std::chrono::milliseconds tick_interval{150};

/// However many files and connections are asked for.
constexpr std::size_t connections_per_host_max = 64;

std::unique_ptr<Reporter> make_reporter(const Arguments& arguments, Session::Mode mode) {
  if (mode == Session::Mode::look) return std::make_unique<Reporter>();
  if (arguments.json) return std::make_unique<JsonLines>();
  if (arguments.quiet) return std::make_unique<Reporter>();
  if (Display::possible()) return std::make_unique<Display>();
  return std::make_unique<PlainLines>();
}

/// Whoever starts bgx may say that it goes on: nohup does for SIGHUP, a script's & for SIGINT.
bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

Session::Session(const Arguments& arguments, Mode mode)
    : arguments_(arguments), mode_(mode), reporter_(make_reporter(arguments, mode)) {
  bgxfer::http::TransportOptions http;
  http.ca_bundle = arguments.ca_file;
  std::size_t wanted = std::size_t{arguments.connections.value_or(1)} * arguments.parallel.value_or(1);
  if (arguments.verb == "run") wanted = connections_per_host_max;  // Each job says itself how many it wants.
  http.connections_per_host_max = std::clamp(wanted, http.connections_per_host_max, connections_per_host_max);
  bgxfer::QueueOptions options;
  const auto web = bgxfer::http::make_transport(std::move(http));
  options.transport =
      bgxfer::make_scheme_transport({{"http", web}, {"https", web}, {"file", bgxfer::file::make_transport()}});
  if (mode == Mode::look) options.transport = std::make_shared<HeldTransport>(options.transport);
  options.storage = bgxfer::disk::make_storage();
  options.sha256 = bgxfer::openssl::sha256();
  journal_ = arguments.journal.empty() ? default_journal() : std::filesystem::absolute(arguments.journal);
  journal_ = journal_.lexically_normal();
  options.journal = journal_;
  if (arguments.verb == "run" && arguments.bytes_per_second) options.bytes_per_second_max = *arguments.bytes_per_second;

  if (!arguments.log.empty()) {
    options.log = [file = std::make_shared<LogFile>(arguments.log)](const bgxfer::LogEntry& entry) {
      file->write(entry);
    };
    options.log_level = bgxfer::LogLevel::debug;
  }
  if (arguments.compact_at) options.limits.journal_bytes_before_compaction = *arguments.compact_at;

  // From here on an interrupt is an orderly end.
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(signal)) interrupts_.add(signal);
  }
  resizes_.add(SIGWINCH);
  queue_ = std::make_unique<bgxfer::TransferQueue>(io_.get_executor(), std::move(options));
}

int Session::run(Verb verb) {
  asio::co_spawn(io_, watch_interrupts(), rethrow);
  asio::co_spawn(io_, watch_resizes(), rethrow);
  asio::co_spawn(io_, work(verb), rethrow);
  io_.run();
  return interrupted_ ? exit_interrupted : exit_code_;
}

void Session::follow(const bgxfer::Job& job) {
  followed_.push_back(job);
  reporter_->follow(job);
}

asio::awaitable<void> Session::work(Verb verb) {
  exit_code_ = co_await serve(verb);
  cost_.reset();
  queue_->close();
  co_await queue_->closed();

  subscription_.reset();
  ticker_.cancel();
  ticker_.expires_at(asio::steady_timer::time_point::min());
  interrupts_.cancel();
  resizes_.cancel();
  if (arguments_.stats) print_stats(queue_->metrics(), arguments_.json);
  reporter_->finished(followed_);
  for (const std::string& line : failures_) fmt::print(stderr, "{}\n", line);
  if (interrupted_ && !arguments_.quiet) {
    fmt::print(stderr, "bgx: interrupted; what has arrived is kept, and the same command goes on from there\n");
  }
  // Nothing is left to do but to wait whether idle connections will be wanted again.
  io_.stop();
}

asio::awaitable<int> Session::serve(Verb verb) {
  const bgxfer::Result<bgxfer::RestoreReport> restored = co_await queue_->restored();
  if (!restored) {
    if (!interrupted_) fail(journal_failure(journal_, restored.error()));
    co_return exit_journal;
  }
  if (!restored->damaged_copy.empty()) {
    fmt::print(stderr, "bgx: the journal was damaged: {} records are lost; the damaged journal is kept as {}\n",
               restored->records_lost, printable(restored->damaged_copy.string()));
  }
  if (mode_ == Mode::fetch) {
    reporter_->restored(*restored);
    cost_ = watch_cost(io_.get_executor(), *queue_);
    subscription_ = queue_->on_event([this](const bgxfer::Event& event) { reporter_->happened(event); });
    asio::co_spawn(io_, keep_ticking(), rethrow);
  }
  try {
    co_return co_await verb(*this);
  } catch (const UsageError& error) {
    fail(fmt::format("bgx: {}", printable(error.what())));
    co_return exit_usage;
  }
}

asio::awaitable<void> Session::watch_interrupts() {
  std::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  co_await interrupts_.async_wait(token);
  if (cancelled) co_return;
  interrupted_ = true;
  queue_->close();
  co_await interrupts_.async_wait(token);
  if (cancelled) co_return;
  ::_exit(exit_interrupted);  // Somebody is in a hurry. The journal is always fit to be left.
}

asio::awaitable<void> Session::watch_resizes() {
  std::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  while (!cancelled) {
    co_await resizes_.async_wait(token);
    if (!cancelled) reporter_->tick();
  }
}

asio::awaitable<void> Session::keep_ticking() {
  std::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  while (!cancelled && ticker_.expiry() != asio::steady_timer::time_point::min()) {
    reporter_->tick();
    ticker_.expires_after(tick_interval);
    co_await ticker_.async_wait(token);
  }
}

std::filesystem::path default_journal() {
  std::filesystem::path state;
  const char* xdg = std::getenv("XDG_STATE_HOME");
  if (xdg != nullptr && xdg[0] == '/') {
    state = xdg;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    state = std::filesystem::path(home) / ".local" / "state";
  } else {
    throw UsageError("neither XDG_STATE_HOME nor HOME is set; name a journal with --journal FILE");
  }
  const std::filesystem::path folder = state / "bgx";
  std::error_code failed;
  std::filesystem::create_directories(state, failed);
  const bool made = std::filesystem::create_directory(folder, failed);
  if (made) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  if (!std::filesystem::is_directory(folder)) {
    throw UsageError(fmt::format("cannot make the folder {} for the journal ({}); name another one with --journal FILE",
                                 folder.string(), failed.message()));
  }
  return folder / "queue.journal";
}

}  // namespace bgx
