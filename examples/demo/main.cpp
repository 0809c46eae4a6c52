// The demonstration: a launcher that is interrupted, killed and started again, and still ends up with every byte.
// The server is in this process, the launcher in another one, so that it can really be killed with SIGKILL.
// Run: ./dev demo (or build/release/demo; --short for a tenth of the data)
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>

#include <bgxfer/format.hpp>
#include <bgxfer/openssl/sha256.hpp>

#include "content.hpp"
#include "launcher.hpp"
#include "screen.hpp"

extern char** environ;

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// A folder that is gone when this is.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bgxfer-demo-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw std::filesystem::filesystem_error("mkdtemp", name, std::error_code(errno, std::system_category()));
    path = std::filesystem::canonical(name);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path;
};

/// How a launcher ended.
struct End {
  bool killed = false;      ///< By us.
  int status = -1;          ///< Exit status, if it ended by itself.
  std::uint64_t bytes = 0;  ///< Of the world, as it last told.
};

/// Runs this program as a launcher, and kills it once it has told of `kill_at` bytes.
End run(const std::string& server, const TemporaryFolder& folder, std::uint64_t scale,
        std::optional<std::uint64_t> kill_at) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  std::string words[] = {"demo", "--launcher", server, folder.path.string(), std::to_string(scale)};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
  pid_t child = -1;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  End end;
  std::string told;
  char piece[256];
  while (!failed) {
    pollfd ready{ends[0], POLLIN, 0};
    if (poll(&ready, 1, 100) < 0 && errno != EINTR) break;
    if (interrupted) kill(child, SIGKILL);
    if (!(ready.revents & (POLLIN | POLLHUP))) continue;
    const ssize_t count = read(ends[0], piece, sizeof piece);
    if (count <= 0) break;  // The launcher has ended.
    told.append(piece, static_cast<std::size_t>(count));
    for (std::size_t line; (line = told.find('\n')) != std::string::npos; told.erase(0, line + 1)) {
      end.bytes = std::strtoull(told.c_str(), nullptr, 10);
    }
    if (kill_at && end.bytes >= *kill_at && !end.killed) end.killed = kill(child, SIGKILL) == 0;
  }
  close(ends[0]);
  int status = 0;
  if (!failed && waitpid(child, &status, 0) == child && WIFEXITED(status)) end.status = WEXITSTATUS(status);
  return end;
}

std::optional<bgxfer::Sha256> sha256_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const auto stream = bgxfer::openssl::sha256()();
  std::vector<char> piece(1 << 18);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    stream->update(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return stream->finish();
}

/// Compares every file with what it must be. True if all are right.
bool check(demo::Screen& screen, const TemporaryFolder& folder, const std::vector<demo::Package>& packages) {
  bool right = true;
  for (const demo::Package& package : packages) {
    for (const demo::Asset& asset : package.assets) {
      const auto found = sha256_of(folder.path / asset.name);
      const bool same = found == demo::expected_sha256(asset);
      right = right && same;
      screen.say(fmt::format("  {} {:<20} {:>10}  sha256 {}",
                             screen.paint(same ? demo::Colour::green : demo::Colour::red, same ? "ok   " : "WRONG"),
                             asset.name, demo::megabytes(asset.bytes),
                             found ? found->to_string().substr(0, 16) + "..." : "missing"));
    }
  }
  return right;
}

int demonstrate(std::uint64_t scale) {
  const auto began = std::chrono::steady_clock::now();
  demo::Screen screen;
  const std::vector<demo::Package> packages = {demo::world_package(scale), demo::hotfix_package(scale)};
  const std::uint64_t total = packages[0].bytes() + packages[1].bytes();
  const TemporaryFolder folder;
  const demo::ContentServer server(packages);

  screen.act("1. Install.", fmt::format("A launcher fetches {} in the background, from {}",
                                        demo::megabytes(packages[0].bytes()), server.url()));
  const End first = run(server.url(), folder, scale, packages[0].bytes() * 7 / 10);
  if (interrupted) return 130;
  if (!first.killed) {
    screen.say("The launcher ended before it could be killed.");
    return 1;
  }
  screen.act(screen.paint(demo::Colour::red, "2. SIGKILL."),
             fmt::format("The launcher is dead; it had shown {} of the world.", demo::exactly(first.bytes)));

  screen.act("3. Start again.", "A new process opens the same journal.");
  const End second = run(server.url(), folder, scale, std::nullopt);
  if (interrupted) return 130;
  if (second.status != 0) {
    screen.say(fmt::format("The launcher failed with status {}.", second.status));
    return 1;
  }

  screen.act("4. Compare.", "Every file against its SHA-256.");
  const bool right = check(screen, folder, packages);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - began;
  screen.say("");
  screen.say(
      fmt::format("{} {} files, {}, in {:.1f} s, through one preemption and one SIGKILL.",
                  right ? screen.paint(demo::Colour::green, "All right:") : screen.paint(demo::Colour::red, "WRONG:"),
                  packages[0].assets.size() + packages[1].assets.size(), demo::megabytes(total), time.count()));
  return right ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string first = count > 1 ? words[1] : "";
  if (first == "--launcher" && count == 5) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return demo::run_launcher({words[2], words[3], std::strtoull(words[4], nullptr, 10), 3});
  }
  if (count > 2 || (count == 2 && first != "--short")) {
    fmt::print(stderr, "usage: demo [--short]\n");
    return 2;
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  return demonstrate(first == "--short" ? 1 : 12);
}
