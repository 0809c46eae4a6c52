// Runs a program and prints, as one line of JSON into a file, what the whole process cost: user and system time, wall
// time, and the largest resident set. A program of its own because a child's largest resident set counts from the fork:
// started from a large process, a small one would look large.
// Run: meter OUTPUT PROGRAM [ARGUMENTS...]
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace {

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "meter: needs a file for the figures and a program to run\n");
    return 2;
  }
  const double begin = now();
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[2], nullptr, nullptr, argv + 2, environ);
  if (failed != 0) {
    std::fprintf(stderr, "meter: cannot run %s: %s\n", argv[2], std::strerror(failed));
    return 2;
  }
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child) {
    std::perror("meter: wait4");
    return 2;
  }
  const double wall = now() - begin;
  std::FILE* out = std::fopen(argv[1], "w");
  if (out == nullptr) {
    std::perror("meter: the file for the figures");
    return 2;
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::fprintf(out, "{\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, \"rss_kib\": %ld, \"exit\": %d}\n", wall,
               seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss, code);
  std::fclose(out);
  return 0;
}
