// Runs an example against a content server and looks at what it left behind.
// Usage: check [--make NAME=BYTES]... [--expect NAME=BYTES]... [--say TEXT]... [--kill-at TEXT] -- PROGRAM ARGUMENTS...
// In the arguments @url is the server and @dir a new folder, which holds the files to make. The server has
// http://.../files/BYTES/NAME for every number and name, and the same under /slow/, a piece at a time. Each expected
// file must be in the folder with the bytes of its name, and each TEXT in the output. With --kill-at the program is
// killed once it has printed that text, and run once more.
#include <fcntl.h>
#include <httplib.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

/// Bytes that differ from place to place and from name to name.
char byte_at(const std::string& name, std::size_t place) {
  const std::size_t mixed = (place + 1) * 2654435761u + name.size() * 97 + static_cast<unsigned char>(name.back());
  return static_cast<char>(mixed >> 16 ^ mixed >> 7);
}

std::string content(const std::string& name, std::size_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = byte_at(name, offset + i);
  return bytes;
}

void serve(httplib::Server& server) {
  server.set_tcp_nodelay(true);
  server.Get(R"(/(files|slow)/(\d+)/([a-z0-9._]+))", [](const httplib::Request& request, httplib::Response& response) {
    const bool slow = request.matches[1].str() == "slow";
    const std::size_t bytes = std::stoul(request.matches[2].str());
    const std::string name = request.matches[3].str();
    response.set_header("ETag", "\"" + name + "-" + std::to_string(bytes) + "\"");
    response.set_content_provider(
        bytes, "application/octet-stream", [=](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
          if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(20));
          const std::string piece = content(name, offset, std::min<std::size_t>(length, 32'768));
          return sink.write(piece.data(), piece.size());
        });
  });
}

/// Runs the program to its end, or until it has printed `kill_at`. False if it ended with another status than 0.
bool run(std::vector<std::string> words, const std::string& kill_at, std::string& output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = -1;
  if (posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) return false;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  bool killed = false;
  char piece[4096];
  for (ssize_t count; (count = read(ends[0], piece, sizeof piece)) > 0;) {
    output.append(piece, static_cast<std::size_t>(count));
    if (!killed && !kill_at.empty() && output.find(kill_at) != std::string::npos) killed = kill(child, SIGKILL) == 0;
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return kill_at.empty() ? WIFEXITED(status) && WEXITSTATUS(status) == 0 : killed;
}

bool same(const std::filesystem::path& path, std::size_t bytes) {
  std::ifstream file(path, std::ios::binary);
  const std::string found((std::istreambuf_iterator<char>(file)), {});
  return file && found == content(path.filename().string(), 0, bytes);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

/// "NAME=BYTES".
std::pair<std::string, std::size_t> file_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  return {text.substr(0, equals), std::stoul(text.substr(equals + 1))};
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::pair<std::string, std::size_t>> made;
  std::vector<std::pair<std::string, std::size_t>> expected;
  std::vector<std::string> said;
  std::string kill_at;
  int at = 1;
  for (; at + 1 < count && std::string(words[at]) != "--"; at += 2) {
    const std::string option = words[at];
    const std::string value = words[at + 1];
    if (option == "--make") made.push_back(file_of(value));
    if (option == "--expect") expected.push_back(file_of(value));
    if (option == "--say") said.push_back(value);
    if (option == "--kill-at") kill_at = value;
  }
  std::string name = (std::filesystem::temp_directory_path() / "bgxfer-example-XXXXXX").string();
  if (!mkdtemp(name.data())) return 1;
  const std::filesystem::path folder = std::filesystem::canonical(name);

  for (const auto& [file, bytes] : made) {
    const std::filesystem::path path = folder / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content(path.filename().string(), 0, bytes);
  }

  httplib::Server server;
  serve(server);
  const std::string url = "http://127.0.0.1:" + std::to_string(server.bind_to_any_port("127.0.0.1"));
  std::thread thread([&] { server.listen_after_bind(); });
  std::vector<std::string> command;
  for (++at; at < count; ++at) command.push_back(replaced(replaced(words[at], "@url", url), "@dir", folder.string()));

  std::string output;
  bool right = kill_at.empty() || run(command, kill_at, output);
  right = right && run(command, "", output);
  if (!right) std::printf("the program failed, or ended too early\n");
  for (const std::string& text : said) {
    if (output.find(text) != std::string::npos) continue;
    std::printf("not in the output: %s\n", text.c_str());
    right = false;
  }
  for (const auto& [file, bytes] : expected) {
    if (same(folder / file, bytes)) continue;
    std::printf("missing or wrong: %s\n", file.c_str());
    right = false;
  }
  while (!server.is_running()) std::this_thread::yield();
  server.stop();
  thread.join();
  std::filesystem::remove_all(folder);
  std::printf("--- output\n%s", output.c_str());
  return right ? 0 : 1;
}
