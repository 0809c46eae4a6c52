#ifndef BGX_SESSION_HPP
#define BGX_SESSION_HPP

#include <memory>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <bgxfer/bgxfer.hpp>

#include "arguments.hpp"
#include "reporter.hpp"

namespace bgx {

// How the program ends.
constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_journal = 3;
constexpr int exit_interrupted = 130;

/// One run of the program: a queue over the journal, on the one thread of the program, from reading the journal to
/// closing it in an orderly way. Ctrl-C closes it early; everything that has arrived is kept.
class Session {
 public:
  /// Whether the verb fetches, or only looks at the queue and changes it: then no request leaves this computer.
  enum class Mode { fetch, look };

  Session(const Arguments& arguments, Mode mode);

  using Verb = asio::awaitable<int> (*)(Session& session);
  /// Runs `verb` on the restored queue, and answers with what the program ends with.
  int run(Verb verb);

  // For verbs.
  [[nodiscard]] const Arguments& arguments() const noexcept { return arguments_; }
  [[nodiscard]] bgxfer::TransferQueue& queue() noexcept { return *queue_; }
  [[nodiscard]] asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
  /// Has the job reported, now and in the list at the end.
  void follow(const bgxfer::Job& job);
  /// Says on stderr why something failed, once the display is out of the way.
  void fail(std::string line) { failures_.push_back(std::move(line)); }

 private:
  asio::awaitable<void> work(Verb verb);
  asio::awaitable<int> serve(Verb verb);
  asio::awaitable<void> watch_interrupts();
  asio::awaitable<void> watch_resizes();
  asio::awaitable<void> keep_ticking();

  const Arguments& arguments_;
  const Mode mode_;
  std::filesystem::path journal_;
  asio::io_context io_{1};
  asio::signal_set interrupts_{io_};
  asio::signal_set resizes_{io_};
  asio::steady_timer ticker_{io_};
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<bgxfer::TransferQueue> queue_;
  bgxfer::Subscription subscription_;
  std::shared_ptr<void> cost_;  // Refers to the queue.
  std::vector<bgxfer::Job> followed_;
  std::vector<std::string> failures_;
  bool interrupted_ = false;
  int exit_code_ = exit_failed;
};

/// The journal for whoever names none: below the user's state folder (XDG base directories), which is made if needed.
[[nodiscard]] std::filesystem::path default_journal();

}  // namespace bgx

#endif
